import type { Tx } from '../../db/database.ts'
import { deleteRates } from './pricing-store.ts'

/** Takes an account's own rates back: they are amounts of a currency that it has no more. */
export async function forgetAccountRates(tx: Tx, accountId: bigint): Promise<void> {
  await deleteRates(tx, accountId)
}
