import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { SystemLedgerKind, TransferDraft, Wallet } from './ledger.ts'

/** Adds the wallet of a customer with a balance and a floor of 0. */
export async function insertWallet(
  tx: Tx,
  o: { accountId: bigint; currency: string },
): Promise<bigint> {
  const { id } = await tx
    .insertInto('ledger_account')
    .values({
      kind: 'wallet',
      account_id: o.accountId,
      currency: o.currency,
      balance: 0n,
      floor: 0n,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** A customer's wallet, and the ledger account for what is held of it, where there is one. */
export interface Sides {
  readonly accountId: bigint
  readonly walletId: bigint
  readonly heldId: bigint | null
  readonly currency: string
}

/**
 * Locks wallets in id order, and finds what is held of them. The subquery keeps its OFFSET, so that
 * it is one look into an index for each, though statistics may know of nothing that is held yet.
 */
export async function lockSides(tx: Tx, accountIds: readonly bigint[]): Promise<Sides[]> {
  const { rows } = await sql<Sides>`
    select w.account_id as "accountId", w.id as "walletId", h.id as "heldId", w.currency
    from ledger_account w
    left join lateral (
      select h.id from ledger_account h where h.account_id = w.account_id and h.kind = 'held'
      offset 0
    ) h on true
    where w.account_id = any (${accountIds}::bigint[]) and w.kind = 'wallet'
    order by w.id for no key update of w`.execute(tx)
  return rows
}

/** Adds ledger accounts for held money, which these customers with locked wallets lack. */
export async function insertHeld(
  tx: Tx,
  owners: readonly { readonly accountId: bigint; readonly currency: string }[],
): Promise<ReadonlyMap<bigint, bigint>> {
  const { rows } = await sql<{ id: bigint; account_id: bigint }>`
    insert into ledger_account (kind, account_id, currency, balance, floor)
    select 'held', i.account_id, i.currency, 0, 0
    from rows from (
      unnest(${owners.map(({ accountId }) => accountId)}::bigint[]),
      unnest(${owners.map(({ currency }) => currency)}::text[])
    ) as i (account_id, currency)
    returning id, account_id`.execute(tx)
  return new Map(rows.map((row) => [row.account_id, row.id]))
}

export async function findSystem(
  tx: Tx,
  o: { kind: SystemLedgerKind; currency: string },
): Promise<bigint | undefined> {
  const row = await tx
    .selectFrom('ledger_account')
    .select('id')
    .where('account_id', 'is', null)
    .where('kind', '=', o.kind)
    .where('currency', '=', o.currency)
    .executeTakeFirst()
  return row?.id
}

/** Waits for whoever is adding the same one, and then adds nothing. */
export async function insertSystemOnce(
  tx: Tx,
  o: { kind: SystemLedgerKind; currency: string },
): Promise<void> {
  await tx
    .insertInto('ledger_account')
    .values({ kind: o.kind, currency: o.currency })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'currency']).where('account_id', 'is', null).doNothing(),
    )
    .execute()
}

/** Locked one after the other in id order, the order in which all others lock them. */
export async function lockWalletRows(tx: Tx, accountIds: readonly bigint[]): Promise<Wallet[]> {
  const { rows } = await sql<{
    id: bigint
    account_id: bigint
    currency: string
    balance: bigint
    floor: bigint | null
  }>`
    select id, account_id, currency, balance, floor from ledger_account
    where account_id = any (${accountIds}::bigint[]) and kind = 'wallet'
    order by id for no key update`.execute(tx)
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    currency: row.currency,
    balanceMicros: row.balance,
    floorMicros: row.floor,
  }))
}

/** One statement for all, so that the trigger moves each balance once. */
export async function insertTransfers(tx: Tx, drafts: readonly TransferDraft[]): Promise<void> {
  await sql`
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
      account_id, created_at)
    select * from unnest(
      ${drafts.map((draft) => draft.debitId)}::bigint[],
      ${drafts.map((draft) => draft.creditId)}::bigint[],
      ${drafts.map((draft) => draft.amountMicros)}::bigint[],
      ${drafts.map((draft) => draft.currency)}::text[],
      ${drafts.map((draft) => draft.causeKind)}::text[],
      ${drafts.map((draft) => draft.causeId)}::bigint[],
      ${drafts.map((draft) => draft.leg ?? 0)}::smallint[],
      ${drafts.map((draft) => draft.accountId)}::bigint[],
      ${drafts.map((draft) => draft.createdAt)}::timestamptz[])`.execute(tx)
}

export async function hasTransfers(tx: Tx, accountId: bigint): Promise<boolean> {
  const row = await tx
    .selectFrom('transfer')
    .select('id')
    .where('account_id', '=', accountId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function updateCurrency(tx: Tx, accountId: bigint, currency: string): Promise<void> {
  await tx
    .updateTable('ledger_account')
    .set({ currency })
    .where('account_id', '=', accountId)
    .execute()
}
