import type { Tx } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'
import { hasPurchases } from './purchase-views.ts'
import { lockSubscriptionsOf } from './subscription-store.ts'

/**
 * Refuses `currency_fixed` once something was made out to the account: it is paid in the currency
 * it was made out in. Locks the account's subscriptions, after its wallet, so that what is being
 * made out meanwhile is waited for, and what comes after is in the new currency.
 */
export async function requireNoPurchases(tx: Tx, accountId: bigint): Promise<void> {
  await lockSubscriptionsOf(tx, accountId)
  if (await hasPurchases(tx, accountId)) throw new Refusal('currency_fixed')
}
