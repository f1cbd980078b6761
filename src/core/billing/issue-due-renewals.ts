import { sql } from 'kysely'
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

const AGAIN_MS = 86_400_000

/**
 * Makes out the renewals of up to `limit` servers that are due for it, each as a purchase of its
 * own, which pays itself where the subscription says so.
 */
export const issueDueRenewals: Operation<{ limit: number }, IssuedChunk> = {
  name: 'billing.issue_due_renewals',
  permission: 'system',
  async run(context, { limit }) {
    const { tx, now } = context
    // Look-ups by index alone, whatever the statistics say of tables that have just been filled.
    await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
      'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_material', 'enable_sort',
      'jit']) as name`.execute(tx)
    const due = await lockDueForInvoice(tx, { now, limit })
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
