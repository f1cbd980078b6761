import type { Tx } from '../../db/database.ts'
import type { Account } from './account.ts'
import { lockAccount, updateAccountRow } from './account-store.ts'

/*
 * Says that an account pays something else from now on, to whoever has its terms in a cache. The
 * key epoch is moved before.
 */

/** Refuses `not_found`. */
export async function repriceAccount(tx: Tx, accountId: bigint, now: Date): Promise<void> {
  await lockAccount(tx, accountId)
  await updateAccountRow(tx, accountId, { priced_at: now })
}

/** Puts the account into another group; null: into none. Refuses `not_found`. */
export async function moveToGroup(
  tx: Tx,
  o: { accountId: bigint; groupId: bigint | null; now: Date },
): Promise<Account> {
  await lockAccount(tx, o.accountId)
  return await updateAccountRow(tx, o.accountId, {
    discount_group_id: o.groupId,
    updated_at: o.now,
  })
}
