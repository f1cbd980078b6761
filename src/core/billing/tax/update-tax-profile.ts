import type { Operation } from '../../operation.ts'
import { checkTaxProfile, type TaxProfile, type TaxProfileTerms } from './tax-profile.ts'
import { lockTaxProfile, updateTaxProfileRow } from './tax-profile-store.ts'

export type UpdateTaxProfileInput = {
  readonly [Field in keyof TaxProfileTerms]?: TaxProfileTerms[Field] | undefined
} & { readonly taxProfileId: bigint }

/**
 * Changes what is given, for purchases made out from now on. Refuses `not_found`, `invalid_input`,
 * and `conflict` by name.
 */
export const updateTaxProfile: Operation<UpdateTaxProfileInput, TaxProfile> = {
  name: 'tax_profile.update',
  permission: 'operator',
  async run({ tx, record }, { taxProfileId, ...changes }) {
    const before = await lockTaxProfile(tx, taxProfileId)
    const given = Object.entries(changes).filter(([, value]) => value !== undefined)
    const after = { ...before, ...(Object.fromEntries(given) as Partial<TaxProfile>) }
    const fields = given.map(([field]) => field)
    const subjectId = taxProfileId
    record({ kind: 'tax_profile.updated', subjectId, accountId: null, data: { fields } })
    return await updateTaxProfileRow(tx, taxProfileId, checkTaxProfile(after))
  },
}
