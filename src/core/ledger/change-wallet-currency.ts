import type { Tx } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'

/**
 * Gives an account that never saw a transfer ledger accounts of another currency. Refuses
 * `currency_fixed` after its first transfer.
 */
export async function changeWalletCurrency(
  tx: Tx,
  o: { accountId: bigint; currency: string },
): Promise<void> {
  // Locked first: whoever adds a transfer holds or waits for these rows.
  await tx
    .selectFrom('ledger_account')
    .select('id')
    .where('account_id', '=', o.accountId)
    .orderBy('id')
    .forUpdate()
    .execute()
  const moved = await tx
    .selectFrom('transfer')
    .select('id')
    .where('account_id', '=', o.accountId)
    .limit(1)
    .executeTakeFirst()
  if (moved) throw new Refusal('currency_fixed')
  await tx
    .updateTable('ledger_account')
    .set({ currency: o.currency })
    .where('account_id', '=', o.accountId)
    .execute()
}
