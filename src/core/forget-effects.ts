import { sql } from 'kysely'
import type { Tx } from '../db/database.ts'
import type { EffectKey } from './execute-batch.ts'
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

/**
 * Frees keys whose effect has come to nothing, in the transaction that undoes it: the next try is
 * judged afresh. The owner's wallet is locked.
 */
export async function freeKeys(tx: Tx, keys: readonly EffectKey[]): Promise<void> {
  if (keys.length === 0) return
  await sql`
    delete from idempotency n
    using rows from (
      unnest(${keys.map(({ ownerKind }) => ownerKind)}::text[]),
      unnest(${keys.map(({ ownerId }) => ownerId)}::bigint[]),
      unnest(${keys.map(({ key }) => key)}::text[])
    ) as i (owner_kind, owner_id, key)
    where n.owner_kind = i.owner_kind and n.owner_id = i.owner_id and n.key = i.key`.execute(tx)
}
