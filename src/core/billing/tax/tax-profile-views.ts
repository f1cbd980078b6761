import type { Selectable } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { TaxProfile as TaxProfileRow } from '../../../db/schema.ts'
import { Refusal } from '../../refusal.ts'
import type { TaxProfile } from './tax-profile.ts'

/** Refuses `not_found`. */
export async function readTaxProfile(db: Db, id: bigint): Promise<TaxProfile> {
  const row = await db.selectFrom('tax_profile').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toTaxProfile(row)
}

/** By id, above `after`. */
export async function listTaxProfiles(
  db: Db,
  o: { after?: bigint | undefined; limit: number },
): Promise<TaxProfile[]> {
  let query = db.selectFrom('tax_profile').selectAll().orderBy('id').limit(o.limit)
  if (o.after !== undefined) query = query.where('id', '>', o.after)
  return (await query.execute()).map(toTaxProfile)
}

export function toTaxProfile(row: Selectable<TaxProfileRow>): TaxProfile {
  return {
    id: String(row.id),
    name: row.name,
    ratePpm: row.rate_ppm,
    pricesIncludeTax: row.prices_include_tax,
    createdAt: row.created_at.toISOString(),
  }
}
