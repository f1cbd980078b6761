import { uuidV7 } from '../../lib/ids.ts'
import type { Operation } from '../operation.ts'
import { checkProvider } from './create-service.ts'
import { checkCyclePrices, type NewCyclePrice, openSystemAccounts } from './cycle-price.ts'
import { checkPlanTerms, type Plan, type PlanTerms } from './plan.ts'
import { insertPlan, writePlanPrices } from './plan-store.ts'
import { readPlan } from './plan-views.ts'

export interface CreatePlanInput extends PlanTerms {
  readonly prices: readonly NewCyclePrice[]
}

/**
 * Adds a plan, active at once, run by one of `providers`. Refuses `invalid_input`, and `conflict`
 * by key.
 */
export function createPlan(providers: ReadonlySet<string>): Operation<CreatePlanInput, Plan> {
  return {
    name: 'plan.create',
    permission: 'operator',
    async run({ tx, now, record }, { prices: given, ...input }) {
      const terms = checkPlanTerms(input)
      checkProvider(providers, terms.provider)
      const prices = checkCyclePrices(given)
      await openSystemAccounts(tx, prices)
      const planId = await insertPlan(tx, { publicId: uuidV7(now.getTime()), terms, now })
      await writePlanPrices(tx, planId, prices)
      record({ kind: 'plan.created', subjectId: planId, accountId: null })
      return await readPlan(tx, planId)
    },
  }
}
