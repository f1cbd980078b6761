import { sql } from 'kysely'
import type { Operation } from './operation.ts'

/** Removes up to `limit` counts of requests of past minutes, by the database's own clock. */
export const forgetRateWindows: Operation<{ limit: number }, { more: boolean }> = {
  name: 'rate_window.forget',
  permission: 'system',
  async run({ tx }, { limit }) {
    const { numAffectedRows } = await sql`
      delete from rate_window where (bucket, minute) in (
        select bucket, minute from rate_window
        where minute < now() - interval '5 minutes' limit ${limit} for update skip locked
      )`.execute(tx)
    return { more: (numAffectedRows ?? 0n) >= BigInt(limit) }
  },
}
