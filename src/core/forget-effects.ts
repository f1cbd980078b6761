import { sql } from 'kysely'
import type { Operation } from './operation.ts'

/** Removes up to `limit` effects remembered since before `before` under idempotency keys. */
export const forgetEffects: Operation<{ before: Date; limit: number }, { more: boolean }> = {
  name: 'idempotency.forget',
  permission: 'system',
  async run({ tx }, { before, limit }) {
    const { numAffectedRows } = await sql`
      delete from idempotency where (owner_kind, owner_id, key) in (
        select owner_kind, owner_id, key from idempotency
        where created_at < ${before}::timestamptz limit ${limit} for update skip locked
      )`.execute(tx)
    return { more: (numAffectedRows ?? 0n) >= BigInt(limit) }
  },
}
