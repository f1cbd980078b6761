import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'

export interface WalletBalance {
  readonly balance: bigint
  /** null: no floor. */
  readonly floor: bigint | null
  readonly currency: string
  /** The key epoch at that moment: by it a reader knows whether its key still stands. */
  readonly keyEpoch: bigint
}

/** The balances (micros) of these wallets, by the wallet's id, as of one moment. */
export async function readBalances(
  db: Db,
  walletIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, WalletBalance>> {
  const { rows } = await sql<WalletBalance & { id: bigint }>`
    select a.id, a.balance, a.floor, a.currency,
      (select value from epoch where name = 'key') as "keyEpoch"
    from ledger_account a
    where a.id = any (${`{${walletIds.join(',')}}`}::bigint[]) and a.kind = 'wallet'`.execute(db)
  return new Map(rows.map(({ id, ...balance }) => [id, balance]))
}
