import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import { type BillingTerms, scheduleAfter } from './billing-terms.ts'
import { expectRows, type PayableLine } from './payment-store.ts'

/** Adds the periods that these lines have paid for. */
export async function insertPeriods(
  tx: Tx,
  o: { lines: readonly PayableLine[]; now: Date },
): Promise<void> {
  const column = <T>(of: (line: PayableLine) => T): T[] => o.lines.map(of)
  await sql`
    insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
      account_id, purchase_line_id, created_at)
    select i.subscription_id, i.period_from, i.period_to, i.billing_cycle, s.account_id, i.line_id,
      ${o.now}::timestamptz
    from rows from (
      unnest(${column((line) => line.subscriptionId)}::bigint[]),
      unnest(${column((line) => line.periodFrom)}::timestamptz[]),
      unnest(${column((line) => line.periodTo)}::timestamptz[]),
      unnest(${column((line) => line.billingCycle)}::smallint[]),
      unnest(${column((line) => line.id)}::bigint[])
    ) as i (subscription_id, period_from, period_to, billing_cycle, line_id)
    join subscription s on s.id = i.subscription_id`.execute(tx)
}

/**
 * Moves the ends of the subscriptions by the periods of their lines, each from exactly where the
 * last one ended: one that has moved meanwhile fails the whole. Locks them in id order.
 */
export async function extendSubscriptions(
  tx: Tx,
  o: { lines: readonly PayableLine[]; terms: BillingTerms; now: Date },
): Promise<void> {
  const moves = o.lines.map((line) => {
    const { nextInvoiceAt, suspendAt } = scheduleAfter(line.periodTo, o.terms)
    const scheduled = line.kind === 'server'
    return {
      line,
      nextInvoiceAt: scheduled ? nextInvoiceAt : null,
      suspendAt: scheduled ? suspendAt : null,
    }
  })
  const column = <T>(of: (move: (typeof moves)[number]) => T): T[] => moves.map(of)
  await sql`select from subscription
    where id = any (${column(({ line }) => line.subscriptionId)}::bigint[])
    order by id for no key update`.execute(tx)
  const { numAffectedRows } = await sql`
    update subscription s set expires_at = i.period_to, updated_at = ${o.now}::timestamptz,
      next_invoice_at = case when s.state = 'active' then i.next_invoice_at end,
      suspend_at = case when s.state = 'active' then i.suspend_at end
    from rows from (
      unnest(${column(({ line }) => line.subscriptionId)}::bigint[]),
      unnest(${column(({ line }) => line.periodFrom)}::timestamptz[]),
      unnest(${column(({ line }) => line.periodTo)}::timestamptz[]),
      unnest(${column((move) => move.nextInvoiceAt)}::timestamptz[]),
      unnest(${column((move) => move.suspendAt)}::timestamptz[])
    ) as i (id, period_from, period_to, next_invoice_at, suspend_at)
    where s.id = i.id and s.expires_at = i.period_from`.execute(tx)
  expectRows(numAffectedRows, moves.length)
}

/**
 * Makes originals of the unpaid invoices of these purchases, numbered in the order given without
 * a gap. Every other payment waits for the series until the commit: to be done last.
 */
export async function payInvoices(
  tx: Tx,
  o: { purchaseIds: readonly bigint[]; now: Date },
): Promise<void> {
  const { numAffectedRows } = await sql`
    with taken as materialized (
      update invoice_series set last_number = last_number + ${o.purchaseIds.length}
      returning last_number - ${o.purchaseIds.length} as before
    )
    update invoice v set state = 'paid', number = taken.before + i.at,
      paid_at = ${o.now}::timestamptz, updated_at = ${o.now}::timestamptz
    from taken, unnest(${o.purchaseIds}::bigint[]) with ordinality as i (purchase_id, at)
    where v.purchase_id = i.purchase_id and v.state = 'unpaid'`.execute(tx)
  expectRows(numAffectedRows, o.purchaseIds.length)
}
