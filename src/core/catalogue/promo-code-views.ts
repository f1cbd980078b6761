import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { PromoCode as PromoCodeRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { PromoCode, PromoCodeState } from './promo-code.ts'

/** Refuses `not_found`. */
export async function readPromoCode(db: Db, id: bigint): Promise<PromoCode> {
  const row = await db.selectFrom('promo_code').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toPromoCode(row)
}

/** By id, above `after`; disabled ones too. */
export async function listPromoCodes(
  db: Db,
  o: { after?: bigint | undefined; state?: PromoCodeState | undefined; limit: number },
): Promise<PromoCode[]> {
  let query = db.selectFrom('promo_code').selectAll().orderBy('id').limit(o.limit)
  if (o.after !== undefined) query = query.where('id', '>', o.after)
  if (o.state !== undefined) query = query.where('state', '=', o.state)
  return (await query.execute()).map(toPromoCode)
}

export function toPromoCode(row: Selectable<PromoCodeRow>): PromoCode {
  return {
    id: String(row.id),
    code: row.code,
    percentPpm: row.percent_ppm,
    minimumBillingCycle: row.minimum_billing_cycle,
    planId: row.plan_id === null ? null : String(row.plan_id),
    isPublic: row.is_public,
    state: row.state as PromoCodeState,
    validUntil: row.valid_until?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  }
}
