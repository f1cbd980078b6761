import { sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Tx } from '../../../db/database.ts'
import { type BillingTerms, scheduleAfter } from '../billing-terms.ts'
import { expectRows, type PayableLine } from './payment-store.ts'

/**
 * Adds the periods that these lines have paid for, and moves the ends of their subscriptions, each
 * from exactly where the last period ended: one that has moved meanwhile fails the whole. Locks
 * the subscriptions in id order.
 */
export async function renewSubscriptions(
  tx: Tx,
  o: { lines: readonly PayableLine[]; terms: BillingTerms; now: Date },
): Promise<void> {
  const moves = o.lines.map((line) => {
    const { nextInvoiceAt, suspendAt } = scheduleAfter(line.periodTo, o.terms)
    const scheduled = line.kind === 'server'
    return {
      ...line,
      nextInvoiceAt: scheduled ? nextInvoiceAt : null,
      suspendAt: scheduled ? suspendAt : null,
    }
  })
  const column = columnOf(moves)
  const { numAffectedRows } = await sql`
    with locked as materialized (
      select i.* from rows from (
        unnest(${column((move) => move.subscriptionId)}::bigint[]),
        unnest(${column((move) => move.id)}::bigint[]),
        unnest(${column((move) => move.periodFrom)}::timestamptz[]),
        unnest(${column((move) => move.periodTo)}::timestamptz[]),
        unnest(${column((move) => move.billingCycle)}::smallint[]),
        unnest(${column((move) => move.nextInvoiceAt)}::timestamptz[]),
        unnest(${column((move) => move.suspendAt)}::timestamptz[])
      ) as i (id, line_id, period_from, period_to, billing_cycle, next_invoice_at, suspend_at)
      join subscription s on s.id = i.id
      order by s.id for no key update of s
    ), moved as (
      update subscription s set expires_at = l.period_to, updated_at = ${o.now}::timestamptz,
        next_invoice_at = case when s.state = 'active' then l.next_invoice_at end,
        suspend_at = case when s.state = 'active' then l.suspend_at end
      from locked l
      where s.id = l.id and s.expires_at = l.period_from
      returning s.id, s.account_id, l.line_id, l.period_from, l.period_to, l.billing_cycle
    )
    insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
      account_id, purchase_line_id, created_at)
    select id, period_from, period_to, billing_cycle, account_id, line_id, ${o.now}::timestamptz
    from moved`.execute(tx)
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
