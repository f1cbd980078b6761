import type { Selectable } from 'kysely'
import type { Db, Tx } from '../../db/database.ts'
import type { AccountUser } from '../../db/schema.ts'
import { unlessTaken } from '../unique.ts'
import type { User, UserRole } from './user.ts'

/** Refuses `conflict` where the e-mail address signs in somewhere already. */
export async function insertUser(
  tx: Tx,
  user: { accountId: bigint; email: string; passwordHash: string; role: UserRole; now: Date },
): Promise<User> {
  const detail = 'There is a user with this e-mail address.'
  return await unlessTaken('account_user_email_key', detail, async () =>
    toUser(
      await tx
        .insertInto('account_user')
        .values({
          account_id: user.accountId,
          email: user.email,
          password_hash: user.passwordHash,
          role: user.role,
          created_at: user.now,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

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

function toUser(row: Selectable<AccountUser>): User {
  return {
    id: String(row.id),
    accountId: String(row.account_id),
    email: row.email,
    role: row.role as UserRole,
    createdAt: row.created_at.toISOString(),
  }
}
