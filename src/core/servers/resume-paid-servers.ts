import { lockUnpaid, writeServerState } from './server-store.ts'
import type { ServerContext } from './suspend-servers.ts'

/**
 * Lets those of the servers run again that were suspended for want of payment, within the operation
 * that renews them; the others are left alone. The providers are told later.
 */
export async function resumePaidServers(
  { tx, now, record }: ServerContext,
  serverIds: readonly bigint[],
): Promise<void> {
  if (serverIds.length === 0) return
  const servers = await lockUnpaid(tx, serverIds)
  if (servers.length === 0) return
  const ids = servers.map(({ id }) => id)
  await writeServerState(tx, { ids, state: 'active', suspendedFor: null, now })
  for (const { id, accountId } of servers) {
    record({ kind: 'server.resumed', subjectId: id, accountId })
  }
}
