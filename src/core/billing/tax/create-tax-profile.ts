import type { Operation } from '../../operation.ts'
import { checkTaxProfile, type TaxProfile, type TaxProfileTerms } from './tax-profile.ts'
import { insertTaxProfile } from './tax-profile-store.ts'

/** Adds a tax profile, for accounts to be given. Refuses `invalid_input`, `conflict` by name. */
export const createTaxProfile: Operation<TaxProfileTerms, TaxProfile> = {
  name: 'tax_profile.create',
  permission: 'operator',
  async run({ tx, now, record }, input) {
    const profile = await insertTaxProfile(tx, checkTaxProfile(input), now)
    record({ kind: 'tax_profile.created', subjectId: BigInt(profile.id), accountId: null })
    return profile
  },
}
