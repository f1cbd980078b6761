import type { Operation } from '../operation.ts'

/** Removes up to `limit` sessions that have ended. */
export const forgetSessions: Operation<{ limit: number }, { more: boolean }> = {
  name: 'session.forget',
  permission: 'system',
  async run({ tx, now }, { limit }) {
    const { numDeletedRows } = await tx
      .deleteFrom('session')
      .where('token_hash', 'in', (eb) =>
        eb
          .selectFrom('session')
          .select('token_hash')
          .where('expires_at', '<=', now)
          .limit(limit)
          .forUpdate()
          .skipLocked(),
      )
      .executeTakeFirstOrThrow()
    return { more: numDeletedRows >= BigInt(limit) }
  },
}
