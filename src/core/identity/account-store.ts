import type { Selectable, Updateable } from 'kysely'
import type { Db, Tx } from '../../db/database.ts'
import type { Account as AccountRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { Account, AccountState } from './account.ts'

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

/** Refuses `not_found`. */
export async function readAccount(db: Db, id: bigint): Promise<Account> {
  const row = await db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toAccount(row)
}

/** Newest first, below the id `before`. */
export async function listAccounts(
  db: Db,
  o: {
    email?: string | undefined
    state?: string | undefined
    before?: bigint | undefined
    limit: number
  },
): Promise<Account[]> {
  let query = db.selectFrom('account').selectAll().orderBy('id', 'desc').limit(o.limit)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  if (o.state !== undefined) query = query.where('state', '=', o.state)
  if (o.email !== undefined) {
    const email = o.email.toLowerCase()
    query = query.where((eb) => eb(eb.fn('lower', ['email']), '=', email))
  }
  return (await query.execute()).map(toAccount)
}

function emailUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('account_email_key', 'There is an account with this e-mail address.', write)
}

function toAccount(row: Selectable<AccountRow>): Account {
  return {
    id: String(row.id),
    email: row.email,
    name: row.name,
    currency: row.currency,
    timeZone: row.time_zone,
    state: row.state as AccountState,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
