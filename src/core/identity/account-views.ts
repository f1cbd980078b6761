import type { Db } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'
import type { Account } from './account.ts'
import { readAccount } from './account-store.ts'

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
