import type { Operation } from '../operation.ts'
import { deleteEndedSessions } from './session-store.ts'

/** Removes up to `limit` sessions that have ended. */
export const forgetSessions: Operation<{ limit: number }, { more: boolean }> = {
  name: 'session.forget',
  permission: 'system',
  async run({ tx, now }, { limit }) {
    return { more: (await deleteEndedSessions(tx, { now, limit })) >= BigInt(limit) }
  },
}
