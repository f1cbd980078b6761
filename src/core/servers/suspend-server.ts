import { giveGrace } from '../billing/give-grace.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { lockServer, writeServerState } from './server-store.ts'
import { suspendServers } from './suspend-servers.ts'

/**
 * Suspends a server for abuse: it is not renewed until an operator resumes it. Refuses `not_found`,
 * and `invalid_state` once it is terminated.
 */
export const suspendServer: Operation<{ serverId: bigint }, { id: string }> = {
  name: 'server.suspend',
  permission: 'operator',
  async run(context, { serverId }) {
    refuseTerminated(await lockServer(context.tx, serverId))
    await suspendServers(context, { serverIds: [serverId], reason: 'abuse' })
    return { id: String(serverId) }
  },
}

/**
 * Lets a suspended server run again, for whatever it was suspended; one that is not paid for has a
 * day. Refuses `not_found`, and `invalid_state` once it is terminated.
 */
export const resumeServer: Operation<{ serverId: bigint }, { id: string }> = {
  name: 'server.resume',
  permission: 'operator',
  async run({ tx, now, record }, { serverId }) {
    await giveGrace({ tx, now }, serverId)
    const server = await lockServer(tx, serverId)
    refuseTerminated(server)
    if (server.state === 'suspended') {
      await writeServerState(tx, { ids: [serverId], state: 'active', suspendedFor: null, now })
      record({ kind: 'server.resumed', subjectId: serverId, accountId: server.accountId })
    }
    return { id: String(serverId) }
  },
}

function refuseTerminated({ state }: { state: string }): void {
  if (state === 'terminated') {
    throw new Refusal('invalid_state', { detail: 'This server is terminated.' })
  }
}
