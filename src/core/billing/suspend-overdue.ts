import type { Operation } from '../operation.ts'
import { suspendServers } from '../servers/suspend-servers.ts'
import { lockOverdue, setSuspension } from './subscription-store.ts'

/** How long a payment that is under way is given before the server is looked at again. */
const BEING_PAID_MS = 3_600_000

/**
 * Suspends up to `limit` servers whose last period ended unpaid too long ago. How many were looked
 * at is the answer.
 */
export const suspendOverdue: Operation<{ limit: number }, { count: number }> = {
  name: 'billing.suspend_overdue',
  permission: 'system',
  async run(context, { limit }) {
    const { tx, now } = context
    const due = await lockOverdue(tx, { now, limit })
    const [waiting, overdue] = [
      due.filter((one) => one.isBeingPaid),
      due.filter((one) => !one.isBeingPaid),
    ]
    const idsOf = (some: typeof due) => some.map((one) => one.subscriptionId)
    const later = new Date(now.getTime() + BEING_PAID_MS)
    await setSuspension(tx, { now, ids: idsOf(waiting), at: later })
    await setSuspension(tx, { now, ids: idsOf(overdue), at: null })
    const serverIds = overdue.map((one) => one.serverId)
    await suspendServers(context, { serverIds, reason: 'unpaid' })
    return { count: due.length }
  },
}
