import { sql } from 'kysely'
import type { Tx } from '../../../db/database.ts'
import { uuidV7 } from '../../../lib/ids.ts'
import { localMidnight } from '../../../lib/periods.ts'
import { expectRows, type PayableLine, type StoredPurchase } from './payment-store.ts'

/** What a purchase is split into: what its provider has done, and what it has refused. */
export interface Parts {
  readonly done: readonly PayableLine[]
  readonly refused: readonly PayableLine[]
}

/**
 * Moves the refused lines of a purchase that is being settled to a new one, which awaits payment
 * with an invoice of its own. Both are worth their lines. Returns the new purchase's id.
 */
export async function splitPurchase(
  tx: Tx,
  o: { purchase: StoredPurchase; parts: Parts; payAt: Date | null; now: Date },
): Promise<bigint> {
  const { purchase, parts, now } = o
  const [done, refused] = [sumsOf(parts.done), sumsOf(parts.refused)]
  const { rows } = await sql<{ id: bigint }>`
    insert into purchase (account_id, kind, currency, tax_rate_ppm, net, gross, payment_method,
      auto_pay, promo_code_id, due_at, pay_at, pay_attempts, created_at, updated_at)
    select account_id, kind, currency, tax_rate_ppm, ${refused.netMicros}::bigint,
      ${refused.grossMicros}::bigint, payment_method, auto_pay, promo_code_id,
      ${refused.dueAt}::timestamptz, ${o.payAt}::timestamptz, pay_attempts + 1,
      ${now}::timestamptz, ${now}::timestamptz
    from purchase where id = ${purchase.id}
    returning id`.execute(tx)
  const { id } = rows[0]!
  const { numAffectedRows } = await sql`
    update purchase_line set purchase_id = ${id}
    where id = any (${parts.refused.map((line) => line.id)}::bigint[])
      and purchase_id = ${purchase.id}`.execute(tx)
  expectRows(numAffectedRows, parts.refused.length)
  await sql`
    update purchase set net = ${done.netMicros}, gross = ${done.grossMicros},
      hold_id = case when ${done.grossMicros}::bigint > 0 then hold_id end,
      due_at = ${done.dueAt}::timestamptz
    where id = ${purchase.id}`.execute(tx)
  if (refused.grossMicros > 0n) {
    await sql`
      insert into invoice (public_id, account_id, purchase_id, currency, tax_rate_ppm, net, gross,
        issued_on, due_at, created_at, updated_at)
      select ${uuidV7(now.getTime())}::uuid, p.account_id, p.id, p.currency, p.tax_rate_ppm, p.net,
        p.gross, ${await today(tx, o)}::timestamptz, p.due_at, ${now}::timestamptz,
        ${now}::timestamptz
      from purchase p where p.id = ${id}`.execute(tx)
  }
  await sql`
    update invoice v set updated_at = ${now}::timestamptz,
      state = case when p.gross > 0 then v.state else 'cancelled' end,
      net = case when p.gross > 0 then p.net else v.net end,
      gross = case when p.gross > 0 then p.gross else v.gross end,
      due_at = p.due_at
    from purchase p
    where p.id = ${purchase.id} and v.purchase_id = p.id and v.state = 'unpaid'`.execute(tx)
  return id
}

/** The local midnight of the day, where the account is. PostgreSQL may not know its zone's name. */
async function today(tx: Tx, o: { purchase: StoredPurchase; now: Date }): Promise<Date> {
  const { rows } = await sql<{ time_zone: string }>`
    select time_zone from account where id = ${o.purchase.accountId}`.execute(tx)
  return localMidnight(o.now, rows[0]!.time_zone)
}

/** What lines come to, and when the first of them is due. */
export function sumsOf(lines: readonly PayableLine[]): {
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly dueAt: Date
} {
  return {
    netMicros: lines.reduce((sum, line) => sum + line.netMicros, 0n),
    grossMicros: lines.reduce((sum, line) => sum + line.grossMicros, 0n),
    dueAt: new Date(Math.min(...lines.map((line) => line.periodFrom.getTime()))),
  }
}
