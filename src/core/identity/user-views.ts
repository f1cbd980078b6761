import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { AccountUser } from '../../db/schema.ts'
import type { User, UserRole } from './user.ts'

/** Who signs in as a user: with the hash, and whether the account is active. */
export async function findUserLogin(
  db: Db,
  email: string,
): Promise<{ id: bigint; accountId: bigint; passwordHash: string; active: boolean } | undefined> {
  const row = await db
    .selectFrom('account_user as u')
    .innerJoin('account as a', 'a.id', 'u.account_id')
    .select(['u.id', 'u.account_id', 'u.password_hash', 'a.state'])
    .where((eb) => eb(eb.fn('lower', ['u.email']), '=', email.toLowerCase()))
    .executeTakeFirst()
  return (
    row && {
      id: row.id,
      accountId: row.account_id,
      passwordHash: row.password_hash,
      active: row.state === 'active',
    }
  )
}

/** Newest first, below the id `before`. */
export async function listUsers(
  db: Db,
  accountId: bigint,
  o: { before?: bigint | undefined; limit: number },
): Promise<User[]> {
  let query = db
    .selectFrom('account_user')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('id', 'desc')
    .limit(o.limit)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  return (await query.execute()).map(toUser)
}

export function toUser(row: Selectable<AccountUser>): User {
  return {
    id: String(row.id),
    accountId: String(row.account_id),
    email: row.email,
    role: row.role as UserRole,
    createdAt: row.created_at.toISOString(),
  }
}
