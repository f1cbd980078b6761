import type { Operation } from '../operation.ts'
import { type Addon, type AddonState, type AddonTerms, checkAddonTerms } from './addon.ts'
import { lockAddon, updateAddonRow, writeAddonPrices } from './addon-store.ts'
import { readAddon } from './addon-views.ts'
import { changeEvent } from './change-event.ts'
import { checkCyclePrices, type NewCyclePrice, openSystemAccounts } from './cycle-price.ts'

export type UpdateAddonInput = {
  readonly [Field in keyof AddonTerms]?: AddonTerms[Field] | undefined
} & {
  readonly addonId: bigint
  readonly state?: AddonState | undefined
  /** All of them: what is not among them is sold no more. */
  readonly prices?: readonly NewCyclePrice[] | undefined
}

/**
 * Changes what is given; what is made out already keeps its price. Refuses `not_found`,
 * `invalid_input`, and `conflict` by key.
 */
export const updateAddon: Operation<UpdateAddonInput, Addon> = {
  name: 'addon.update',
  permission: 'operator',
  async run({ tx, now, record }, { addonId, ...changes }) {
    const before = await lockAddon(tx, addonId)
    const { prices, ...terms } = changes
    const given = Object.entries(terms).filter(([, value]) => value !== undefined)
    const changed = { ...before, ...(Object.fromEntries(given) as Partial<Addon>) }
    const after = checkAddonTerms(changed)
    const fields = given.map(([field]) => field)
    if (prices !== undefined) {
      const rows = checkCyclePrices(prices)
      await openSystemAccounts(tx, rows)
      await writeAddonPrices(tx, addonId, rows)
      fields.push('prices')
    }
    await updateAddonRow(tx, addonId, { terms: after, state: after.state, now })
    const kind = changeEvent('addon', before.state, after.state)
    record({ kind, subjectId: addonId, accountId: null, data: { fields } })
    return await readAddon(tx, addonId)
  },
}
