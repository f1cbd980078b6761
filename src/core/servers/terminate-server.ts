import { endRenewals } from '../billing/end-renewals.ts'
import type { Operation } from '../operation.ts'
import { lockServer, writeServerState } from './server-store.ts'

/**
 * Ends a server for good: its open renewal is voided, its subscriptions end, and its provider is
 * told to stop it. Refuses `not_found`, `resource_locked` while its renewal is being paid, and
 * `existing_invoice_blocking` where that is one with other servers'.
 */
export const terminateServer: Operation<{ serverId: bigint }, { id: string }> = {
  name: 'server.terminate',
  permission: 'operator',
  async run(context, { serverId }) {
    const { tx, now, record } = context
    // Purchases and subscriptions are locked before servers.
    await endRenewals(context, serverId)
    const server = await lockServer(tx, serverId)
    if (server.state !== 'terminated') {
      await writeServerState(tx, { ids: [serverId], state: 'terminated', suspendedFor: null, now })
      record({ kind: 'server.terminated', subjectId: serverId, accountId: server.accountId })
    }
    return { id: String(serverId) }
  },
}
