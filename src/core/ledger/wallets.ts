import type { Tx } from '../../db/database.ts'
import { lockWallets, type Wallet } from '../lock-wallets.ts'
import { Refusal } from '../refusal.ts'
import { hasTransfers, insertWallet, updateCurrency } from './ledger-store.ts'

/** Opens the wallet of a new account, empty, with a floor of 0. Returns its ledger account's id. */
export async function openWallet(
  tx: Tx,
  o: { accountId: bigint; currency: string },
): Promise<bigint> {
  return await insertWallet(tx, o)
}

/** Locks the wallet of one account. Refuses `not_found` where it has none. */
export async function lockWallet(tx: Tx, accountId: bigint): Promise<Wallet> {
  const wallet = (await lockWallets(tx, [accountId])).get(accountId)
  if (!wallet) throw new Refusal('not_found')
  return wallet
}

/**
 * Makes the account's ledger accounts ones of `currency`. Refuses `currency_fixed` once a transfer
 * of the account exists, and `not_found`. Who calls it moves the key epoch too: cached keys carry
 * the currency.
 */
export async function changeWalletCurrency(
  tx: Tx,
  accountId: bigint,
  currency: string,
): Promise<void> {
  await lockWallet(tx, accountId)
  if (await hasTransfers(tx, accountId)) throw new Refusal('currency_fixed')
  await updateCurrency(tx, accountId, currency)
}
