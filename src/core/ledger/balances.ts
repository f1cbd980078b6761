import type pg from 'pg'

export interface WalletBalance {
  readonly balance: bigint
  /** The key epoch at that moment: by it a reader knows whether its key still stands. */
  readonly keyEpoch: bigint
}

const READ_BALANCES = `
  select a.id, a.balance, e.value as "keyEpoch"
  from epoch e cross join unnest($1::bigint[]) as asked (id)
  cross join lateral (
    select w.id, w.balance from ledger_account w
    where w.id = asked.id and w.kind = 'wallet' limit 1
  ) a
  where e.name = 'key'`

/** The balances (micros) of these wallets, by the wallet's id, as of one moment. */
export async function readBalances(
  pool: pg.Pool,
  walletIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, WalletBalance>> {
  const { rows } = await pool.query<WalletBalance & { id: bigint }>({
    name: 'read_balances',
    text: READ_BALANCES,
    values: [`{${walletIds.join(',')}}`],
  })
  return new Map(rows.map((row) => [row.id, row]))
}
