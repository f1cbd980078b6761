import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { readInvoice } from '../invoice-views.ts'
import type { Invoice } from '../purchase.ts'

/** How far the payment of an invoice has come. */
export interface PaymentProgress {
  readonly invoice: Invoice
  /** pending: its card is being charged; in_progress: the money is held, the provider is asked. */
  readonly state: 'pending' | 'in_progress' | 'completed' | 'failed'
  /** Why it failed; null where it has not. */
  readonly failure: RefusalCode | null
}

interface AttemptRow {
  readonly state: 'awaiting_payment' | 'processing' | 'paid' | 'cancelled'
  readonly isCharging: boolean
  readonly wasReversed: boolean
  readonly wasCharged: boolean
}

/**
 * What became of the payment of the account's invoice `name`. Refuses `not_found` where there is
 * no such invoice, or nobody has tried to pay it.
 */
export async function readPaymentProgress(
  db: Db,
  o: { accountId: bigint; name: string },
): Promise<PaymentProgress> {
  const invoice = await readInvoice(db, o)
  const { rows } = await sql<AttemptRow>`
    select p.state,
      exists (select from hold h
        where h.subject_kind = 'purchase' and h.subject_id = p.id and h.state = 'released'
      ) as "wasReversed",
      exists (select from card_charge c where c.account_id = p.account_id
        and (c.purchase_id = p.id or p.id = any (c.other_purchase_ids)) and c.state = 'pending'
      ) as "isCharging",
      exists (select from card_charge c where c.account_id = p.account_id
        and (c.purchase_id = p.id or p.id = any (c.other_purchase_ids)) and c.state <> 'pending'
      ) as "wasCharged"
    from purchase p where p.id = ${invoice.purchaseId}`.execute(db)
  const row = rows[0]
  if (!row) throw new Refusal('not_found')
  return { invoice, ...judged(row) }
}

function judged(row: AttemptRow): Omit<PaymentProgress, 'invoice'> {
  if (row.state === 'paid') return { state: 'completed', failure: null }
  if (row.state === 'processing') return { state: 'in_progress', failure: null }
  if (row.isCharging) return { state: 'pending', failure: null }
  if (!row.wasReversed && !row.wasCharged) throw new Refusal('not_found')
  if (row.state === 'cancelled') return { state: 'failed', failure: 'invalid_state' }
  const failure = row.wasReversed ? 'payment_reversed' : 'insufficient_funds'
  return { state: 'failed', failure }
}
