import type { Tx } from '../../../db/database.ts'
import { Refusal } from '../../refusal.ts'
import { unlessTaken } from '../../unique.ts'
import type { TaxProfile, TaxProfileTerms } from './tax-profile.ts'
import { toTaxProfile } from './tax-profile-views.ts'

/** Refuses `conflict` by name. */
export async function insertTaxProfile(
  tx: Tx,
  terms: TaxProfileTerms,
  now: Date,
): Promise<TaxProfile> {
  return await nameUnlessTaken(async () =>
    toTaxProfile(
      await tx
        .insertInto('tax_profile')
        .values({ ...columnsOf(terms), created_at: now })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** The profile, locked until the transaction ends. Refuses `not_found`. */
export async function lockTaxProfile(tx: Tx, id: bigint): Promise<TaxProfile> {
  const row = await tx
    .selectFrom('tax_profile')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toTaxProfile(row)
}

/** Refuses `conflict` by name. */
export async function updateTaxProfileRow(
  tx: Tx,
  id: bigint,
  terms: TaxProfileTerms,
): Promise<TaxProfile> {
  return await nameUnlessTaken(async () =>
    toTaxProfile(
      await tx
        .updateTable('tax_profile')
        .set(columnsOf(terms))
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

function columnsOf({ name, ratePpm, pricesIncludeTax }: TaxProfileTerms) {
  return { name, rate_ppm: ratePpm, prices_include_tax: pricesIncludeTax }
}

function nameUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('tax_profile_name_key', 'There is a tax profile of this name.', write)
}
