import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'

export interface WalletBalance {
  readonly balance: bigint
  /** null: no floor. */
  readonly floor: bigint | null
  readonly currency: string
}

/** The balances (micros) of these wallets, by the wallet's id, as of one moment. */
export async function readBalances(
  db: Db,
  walletIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, WalletBalance>> {
  const { rows } = await sql<WalletBalance & { id: bigint }>`
    select id, balance, floor, currency from ledger_account
    where id = any (${walletIds}::bigint[]) and kind = 'wallet'`.execute(db)
  return new Map(rows.map(({ id, ...balance }) => [id, balance]))
}
