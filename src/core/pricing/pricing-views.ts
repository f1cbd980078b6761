import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { DiscountGroup as DiscountGroupRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { AccountRate } from './account-rate.ts'
import type { DiscountGroup } from './discount-group.ts'

/** Refuses `not_found`. */
export async function readDiscountGroup(db: Db, id: bigint): Promise<DiscountGroup> {
  const query = db.selectFrom('discount_group').selectAll().where('id', '=', id)
  const row = await query.executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toDiscountGroup(row)
}

/** By id, above `after`. */
export async function listDiscountGroups(
  db: Db,
  o: { after?: bigint | undefined; limit: number },
): Promise<DiscountGroup[]> {
  let query = db.selectFrom('discount_group').selectAll().orderBy('id').limit(o.limit)
  if (o.after !== undefined) query = query.where('id', '>', o.after)
  return (await query.execute()).map(toDiscountGroup)
}

export function toDiscountGroup(row: Selectable<DiscountGroupRow>): DiscountGroup {
  return {
    id: String(row.id),
    name: row.name,
    discountPpm: row.discount_ppm,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

/** An account's own rates by service, above `after`. */
export async function listAccountRates(
  db: Db,
  accountId: bigint,
  o: { after?: bigint | undefined; limit: number },
): Promise<AccountRate[]> {
  let query = db
    .selectFrom('account_rate as r')
    .innerJoin('account as a', 'a.id', 'r.account_id')
    .select(['r.service_id', 'r.rate', 'a.currency'])
    .where('r.account_id', '=', accountId)
    .orderBy('r.service_id')
    .limit(o.limit)
  if (o.after !== undefined) query = query.where('r.service_id', '>', o.after)
  return (await query.execute()).map((row) => ({
    accountId: String(accountId),
    serviceId: String(row.service_id),
    currency: row.currency,
    rateMicros: String(row.rate),
  }))
}
