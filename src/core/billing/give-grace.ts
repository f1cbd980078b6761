import type { OperationContext } from '../operation.ts'
import { setSuspensionOfUnpaid } from './subscription-store.ts'

const GRACE_MS = 86_400_000

/**
 * Gives a server that an operator lets run again one more day to be paid for, where its time is
 * over: else it would run on for nothing, since it had been suspended, or looked at, once. Locks
 * the subscription, and so comes before the server.
 */
export async function giveGrace(
  { tx, now }: Pick<OperationContext, 'tx' | 'now'>,
  serverId: bigint,
): Promise<void> {
  await setSuspensionOfUnpaid(tx, { now, serverId, at: new Date(now.getTime() + GRACE_MS) })
}
