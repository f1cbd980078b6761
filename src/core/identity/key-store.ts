import type { Selectable, Updateable } from 'kysely'
import type { Db, Tx } from '../../db/database.ts'
import type { ApiKey as ApiKeyRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import { isScope, type Scope } from '../scope.ts'
import type { ApiKey } from './api-key.ts'
import type { NewKey } from './secret.ts'

export type KeyHolder = { readonly accountId: bigint } | { readonly operatorId: bigint }

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

/** Newest first, below the id `before`; disabled ones too. */
export async function listKeys(
  db: Db,
  holder: KeyHolder,
  o: { before?: bigint | undefined; limit: number },
): Promise<ApiKey[]> {
  let query = db.selectFrom('api_key').selectAll().orderBy('id', 'desc').limit(o.limit)
  query =
    'accountId' in holder
      ? query.where('account_id', '=', holder.accountId)
      : query.where('operator_id', '=', holder.operatorId)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  return (await query.execute()).map(toApiKey)
}

/** Whether a key of this hash was ever made; disabled ones too. */
export async function keyExists(db: Db, hash: Buffer): Promise<boolean> {
  const row = await db
    .selectFrom('api_key')
    .select('id')
    .where('hash', '=', hash)
    .executeTakeFirst()
  return row !== undefined
}

function toApiKey(row: Selectable<ApiKeyRow>): ApiKey {
  return {
    id: String(row.id),
    accountId: row.account_id === null ? null : String(row.account_id),
    operatorId: row.operator_id === null ? null : String(row.operator_id),
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes.filter(isScope),
    discountPpm: row.discount_ppm,
    legacyErrors: row.legacy_errors,
    disabledAt: row.disabled_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  }
}
