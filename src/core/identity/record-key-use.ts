import { sql } from 'kysely'
import type { Operation } from '../operation.ts'

/** Notes that keys were used. Not an event: it says nothing about what was done. */
export const recordKeyUse: Operation<{ keyIds: readonly bigint[] }, { recorded: number }> = {
  name: 'api_key.record_use',
  permission: 'system',
  async run({ tx, now }, { keyIds }) {
    const { numAffectedRows } = await sql`
      update api_key set last_used_at = ${now}
      where id = any (${`{${keyIds.join(',')}}`}::bigint[])`.execute(tx)
    return { recorded: Number(numAffectedRows ?? 0n) }
  },
}
