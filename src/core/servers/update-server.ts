import { changeAutoPay } from '../billing/change-auto-pay.ts'
import type { Operation } from '../operation.ts'
import { checkHostname } from './hostname.ts'
import { lockServer, writeHostname } from './server-store.ts'

export interface UpdateServerInput {
  readonly serverId: bigint
  readonly hostname?: string | undefined
  /** Whether its renewals to come are paid by themselves on the due date. */
  readonly autoPay?: boolean | undefined
}

/** Changes what is given. Refuses `not_found` and `invalid_input`. */
export const updateServer: Operation<UpdateServerInput, { id: string }> = {
  name: 'server.update',
  permission: 'operator',
  async run(context, { serverId, autoPay, ...given }) {
    const { tx, now, record } = context
    // Subscriptions are locked before servers.
    if (autoPay !== undefined) await changeAutoPay(context, { serverId, autoPay })
    const server = await lockServer(tx, serverId)
    const hostname = given.hostname === undefined ? server.hostname : checkHostname(given.hostname)
    if (hostname !== server.hostname) {
      await writeHostname(tx, { id: serverId, hostname, now })
      const data = { fields: ['hostname'] }
      record({ kind: 'server.updated', subjectId: serverId, accountId: server.accountId, data })
    }
    return { id: String(serverId) }
  },
}
