import { uuidV7 } from '../../lib/ids.ts'
import type { Operation } from '../operation.ts'
import { type Addon, type AddonTerms, checkAddonTerms } from './addon.ts'
import { insertAddon, writeAddonPrices } from './addon-store.ts'
import { readAddon } from './addon-views.ts'
import { checkCyclePrices, type NewCyclePrice, openSystemAccounts } from './cycle-price.ts'

export interface CreateAddonInput extends AddonTerms {
  readonly prices: readonly NewCyclePrice[]
}

/** Adds an addon, active at once. Refuses `invalid_input`, and `conflict` by key. */
export const createAddon: Operation<CreateAddonInput, Addon> = {
  name: 'addon.create',
  permission: 'operator',
  async run({ tx, now, record }, { prices: given, ...input }) {
    const terms = checkAddonTerms(input)
    const prices = checkCyclePrices(given)
    await openSystemAccounts(tx, prices)
    const addonId = await insertAddon(tx, { publicId: uuidV7(now.getTime()), terms, now })
    await writeAddonPrices(tx, addonId, prices)
    record({ kind: 'addon.created', subjectId: addonId, accountId: null })
    return await readAddon(tx, addonId)
  },
}
