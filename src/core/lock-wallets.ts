import { sql } from 'kysely'
import type { Tx } from '../db/database.ts'

/** A customer's wallet as it stood when it was locked. */
export interface Wallet {
  readonly id: bigint
  readonly accountId: bigint
  readonly currency: string
  readonly balanceMicros: bigint
  /** The least that the balance may become; null: no floor. */
  readonly floorMicros: bigint | null
  /** The ledger account for what is held of it; null: nothing was yet. */
  readonly heldId: bigint | null
}

/** Locked wallets by account: who has one may move the money of these accounts. */
export type Wallets = ReadonlyMap<bigint, Wallet>

/**
 * Locks the wallets of these accounts until the transaction ends, one after the other in id order,
 * the order in which all others lock them. An account that has none is not in the answer.
 */
export async function lockWallets(tx: Tx, accountIds: readonly bigint[]): Promise<Wallets> {
  const { rows } = await sql<Wallet>`
    select w.id, w.account_id as "accountId", w.currency, w.balance as "balanceMicros",
      w.floor as "floorMicros", h.id as "heldId"
    from ledger_account w
    left join lateral (
      select h.id from ledger_account h where h.account_id = w.account_id and h.kind = 'held'
    ) h on true
    where w.account_id = any (${accountIds}::bigint[]) and w.kind = 'wallet'
    order by w.id for no key update of w`.execute(tx)
  return new Map(rows.map((row) => [row.accountId, row]))
}
