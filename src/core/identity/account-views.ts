import type { Selectable } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Account as AccountRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Account, AccountState } from './account.ts'

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

/** An account and what its wallet holds. Refuses `not_found`. */
export async function readAccountWithBalance(
  db: Db,
  id: bigint,
): Promise<{ account: Account; balanceMicros: bigint }> {
  const account = await readAccount(db, id)
  const wallet = await db
    .selectFrom('ledger_account')
    .select('balance')
    .where('account_id', '=', id)
    .where('kind', '=', 'wallet')
    .executeTakeFirst()
  if (!wallet || wallet.balance === null) throw new Refusal('not_found')
  return { account, balanceMicros: wallet.balance }
}

export function toAccount(row: Selectable<AccountRow>): Account {
  return {
    id: String(row.id),
    email: row.email,
    name: row.name,
    currency: row.currency,
    timeZone: row.time_zone,
    taxProfileId: String(row.tax_profile_id),
    discountGroupId: row.discount_group_id === null ? null : String(row.discount_group_id),
    state: row.state as AccountState,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
