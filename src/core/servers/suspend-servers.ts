import type { OperationContext } from '../operation.ts'
import type { SuspensionReason } from './server.ts'
import { lockServers, writeServerState } from './server-store.ts'

/** What a part of somebody's operation needs of it. */
export type ServerContext = Pick<OperationContext, 'tx' | 'now' | 'record'>

/**
 * Suspends servers within another operation, which has locked what comes before servers. Those
 * that are suspended already stay so, save that abuse outweighs want of payment. Returns the ids
 * of those that are now suspended for this. The providers are told later.
 */
export async function suspendServers(
  { tx, now, record }: ServerContext,
  { serverIds, reason }: { serverIds: readonly bigint[]; reason: SuspensionReason },
): Promise<bigint[]> {
  if (serverIds.length === 0) return []
  const servers = (await lockServers(tx, serverIds)).filter(
    ({ state, suspendedFor }) =>
      state === 'active' ||
      (state === 'suspended' && suspendedFor === 'unpaid' && reason === 'abuse'),
  )
  if (servers.length === 0) return []
  const ids = servers.map(({ id }) => id)
  await writeServerState(tx, { ids, state: 'suspended', suspendedFor: reason, now })
  for (const { id, accountId } of servers) {
    record({ kind: 'server.suspended', subjectId: id, accountId, data: { reason } })
  }
  return ids
}
