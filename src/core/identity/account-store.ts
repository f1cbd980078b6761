import type { Updateable } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { Account as AccountRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { Account } from './account.ts'
import { toAccount } from './account-views.ts'

/** Refuses `conflict` where the e-mail address belongs to another account. */
export async function insertAccount(
  tx: Tx,
  account: { email: string; name: string; currency: string; timeZone: string; now: Date },
): Promise<Account> {
  return await emailUnlessTaken(async () =>
    toAccount(
      await tx
        .insertInto('account')
        .values({
          email: account.email,
          name: account.name,
          currency: account.currency,
          time_zone: account.timeZone,
          created_at: account.now,
          updated_at: account.now,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** The account, locked until the transaction ends. Refuses `not_found`. */
export async function lockAccount(tx: Tx, id: bigint): Promise<Account> {
  const row = await tx
    .selectFrom('account')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toAccount(row)
}

/** Refuses `conflict` where the e-mail address belongs to another account. */
export async function updateAccountRow(
  tx: Tx,
  id: bigint,
  changes: Updateable<AccountRow>,
): Promise<Account> {
  return await emailUnlessTaken(async () =>
    toAccount(
      await tx
        .updateTable('account')
        .set(changes)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

function emailUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('account_email_key', 'There is an account with this e-mail address.', write)
}
