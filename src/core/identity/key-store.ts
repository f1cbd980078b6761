import type { Updateable } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { ApiKey as ApiKeyRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Scope } from '../scope.ts'
import type { ApiKey } from './api-key.ts'
import { type KeyHolder, toApiKey } from './key-views.ts'
import type { NewKey } from './secret.ts'

export async function insertKey(
  tx: Tx,
  holder: KeyHolder,
  key: Omit<NewKey, 'key'> & {
    name: string
    scopes: readonly Scope[]
    discountPpm: number
    legacyErrors: boolean
    now: Date
  },
): Promise<ApiKey> {
  const row = await tx
    .insertInto('api_key')
    .values({
      account_id: 'accountId' in holder ? holder.accountId : null,
      operator_id: 'operatorId' in holder ? holder.operatorId : null,
      name: key.name,
      prefix: key.prefix,
      hash: key.hash,
      scopes: [...key.scopes],
      discount_ppm: key.discountPpm,
      legacy_errors: key.legacyErrors,
      created_at: key.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return toApiKey(row)
}

/** The key, locked until the transaction ends. Refuses `not_found`. */
export async function lockKey(tx: Tx, id: bigint): Promise<ApiKey> {
  const row = await tx
    .selectFrom('api_key')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toApiKey(row)
}

export async function updateKeyRow(
  tx: Tx,
  id: bigint,
  changes: Updateable<ApiKeyRow>,
): Promise<ApiKey> {
  const row = await tx
    .updateTable('api_key')
    .set(changes)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return toApiKey(row)
}
