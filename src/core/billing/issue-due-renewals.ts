import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Operation } from '../operation.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { issueRenewals } from './issue-renewals.ts'
import { lockDueForInvoice, setNextInvoice } from './subscription-store.ts'

export interface IssuedChunk {
  /** How many subscriptions were looked at. */
  readonly count: number
  /** What could not be made out, and will be tried again in a day. */
  readonly refused: readonly { readonly subscriptionId: string; readonly code: RefusalCode }[]
}

/** Which of the renewals that are due: the first `limit`; of these alone where `only` is given. */
export interface DueChoice {
  readonly limit: number
  readonly only?: readonly bigint[]
}

const AGAIN_MS = 86_400_000

/**
 * Makes out the renewals of up to `limit` servers that are due for it, each as a purchase of its
 * own, which pays itself where the subscription says so.
 */
export const issueDueRenewals: Operation<DueChoice, IssuedChunk> = {
  name: 'billing.issue_due_renewals',
  permission: 'system',
  async run(context, { limit, only }) {
    const { tx, now } = context
    // Look-ups by index alone, whatever the statistics say of tables that have just been filled.
    await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
      'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_material', 'enable_sort',
      'jit']) as name`.execute(tx)
    const due = await lockDueForInvoice(tx, { now, limit, only: only ?? null })
    if (due.length === 0) return { count: 0, refused: [] }
    const issued = await issueRenewals(
      context,
      due.map((id) => ({ subscriptionIds: [id], billingCycle: null, promo: null, addonIds: null })),
    )
    const refused = issued.flatMap((each, at) =>
      each instanceof Refusal ? [{ id: due[at]!, code: each.code }] : [],
    )
    const again = new Date(now.getTime() + AGAIN_MS)
    await setNextInvoice(tx, { now, ids: refused.map(({ id }) => id), at: again })
    return {
      count: due.length,
      refused: refused.map(({ id, code }) => ({ subscriptionId: String(id), code })),
    }
  },
}

/** The subscriptions whose renewal is due, the longest due first: a look, nothing is locked. */
export async function findDueRenewals(db: Db, o: { now: Date; limit: number }): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select id from subscription where next_invoice_at <= ${o.now}::timestamptz
    order by next_invoice_at limit ${o.limit}`.execute(db)
  return rows.map((row) => row.id)
}

/** Tries to make out a renewal that has failed again in a day. */
export const postponeRenewal: Operation<{ subscriptionId: bigint }, null> = {
  name: 'billing.postpone_renewal',
  permission: 'system',
  async run({ tx, now }, { subscriptionId }) {
    const due = await lockDueForInvoice(tx, { now, limit: 1, only: [subscriptionId] })
    await setNextInvoice(tx, { now, ids: due, at: new Date(now.getTime() + AGAIN_MS) })
    return null
  },
}
