import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { ApiKey as ApiKeyRow } from '../../db/schema.ts'
import { isScope } from '../scope.ts'
import type { ApiKey } from './api-key.ts'

export type KeyHolder = { readonly accountId: bigint } | { readonly operatorId: bigint }

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

export function toApiKey(row: Selectable<ApiKeyRow>): ApiKey {
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
