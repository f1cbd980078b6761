import type { Tx } from '../../db/database.ts'
import { unlessTaken } from '../unique.ts'
import type { User, UserRole } from './user.ts'
import { toUser } from './user-views.ts'

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
