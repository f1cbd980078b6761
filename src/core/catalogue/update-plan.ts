import type { Operation } from '../operation.ts'
import { changeEvent } from './change-event.ts'
import { checkProvider } from './create-service.ts'
import { checkCyclePrices, type NewCyclePrice, openSystemAccounts } from './cycle-price.ts'
import { checkPlanTerms, type Plan, type PlanState, type PlanTerms } from './plan.ts'
import { lockPlan, updatePlanRow, writePlanPrices } from './plan-store.ts'
import { readPlan } from './plan-views.ts'

export type UpdatePlanInput = {
  readonly [Field in keyof PlanTerms]?: PlanTerms[Field] | undefined
} & {
  readonly planId: bigint
  readonly state?: PlanState | undefined
  /** All of them: what is not among them is sold no more. */
  readonly prices?: readonly NewCyclePrice[] | undefined
}

/**
 * Changes what is given; what is made out already keeps its price. Refuses `not_found`,
 * `invalid_input`, and `conflict` by key.
 */
export function updatePlan(providers: ReadonlySet<string>): Operation<UpdatePlanInput, Plan> {
  return {
    name: 'plan.update',
    permission: 'operator',
    async run({ tx, now, record }, { planId, ...changes }) {
      const before = await lockPlan(tx, planId)
      const { prices, ...terms } = changes
      const given = Object.entries(terms).filter(([, value]) => value !== undefined)
      const changed = { ...before, ...(Object.fromEntries(given) as Partial<Plan>) }
      const after = checkPlanTerms(changed)
      if (after.provider !== before.provider) checkProvider(providers, after.provider)
      const fields = given.map(([field]) => field)
      if (prices !== undefined) {
        const rows = checkCyclePrices(prices)
        await openSystemAccounts(tx, rows)
        await writePlanPrices(tx, planId, rows)
        fields.push('prices')
      }
      await updatePlanRow(tx, planId, { terms: after, state: after.state, now })
      const kind = changeEvent('plan', before.state, after.state)
      record({ kind, subjectId: planId, accountId: null, data: { fields } })
      return await readPlan(tx, planId)
    },
  }
}
