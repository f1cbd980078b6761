import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import type { SystemLedgerKind, TransferDraft } from './ledger.ts'

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

/**
 * Adds ledger accounts for held money, which these customers with locked wallets lack. Returns
 * them by customer; one that was added before in this transaction is found.
 */
export async function insertHeld(
  tx: Tx,
  owners: readonly { readonly accountId: bigint; readonly currency: string }[],
): Promise<ReadonlyMap<bigint, bigint>> {
  const accountIds = owners.map(({ accountId }) => accountId)
  await sql`
    insert into ledger_account (kind, account_id, currency, balance, floor)
    select 'held', i.account_id, i.currency, 0, 0
    from rows from (
      unnest(${accountIds}::bigint[]),
      unnest(${owners.map(({ currency }) => currency)}::text[])
    ) as i (account_id, currency)
    on conflict (account_id, kind) where account_id is not null do nothing`.execute(tx)
  const { rows } = await sql<{ id: bigint; account_id: bigint }>`
    select id, account_id from ledger_account
    where account_id = any (${accountIds}::bigint[]) and kind = 'held'`.execute(tx)
  return new Map(rows.map((row) => [row.account_id, row.id]))
}

/** The system accounts that exist of these kinds and currencies. */
export async function findSystems(
  tx: Tx,
  o: { kinds: readonly SystemLedgerKind[]; currencies: readonly string[] },
): Promise<{ id: bigint; kind: SystemLedgerKind; currency: string }[]> {
  const { rows } = await sql<{ id: bigint; kind: SystemLedgerKind; currency: string }>`
    select id, kind, currency from ledger_account
    where account_id is null and kind = any (${o.kinds}::text[])
      and currency = any (${o.currencies}::text[])`.execute(tx)
  return rows
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

/** One statement for all, so that the trigger moves each balance once. */
export async function insertTransfers(tx: Tx, drafts: readonly TransferDraft[]): Promise<void> {
  const column = columnOf(drafts)
  await sql`
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
      account_id, created_at)
    select * from unnest(
      ${column((draft) => draft.debitId)}::bigint[],
      ${column((draft) => draft.creditId)}::bigint[],
      ${column((draft) => draft.amountMicros)}::bigint[],
      ${column((draft) => draft.currency)}::text[],
      ${column((draft) => draft.causeKind)}::text[],
      ${column((draft) => draft.causeId)}::bigint[],
      ${column((draft) => draft.leg ?? 0)}::smallint[],
      ${column((draft) => draft.accountId)}::bigint[],
      ${column((draft) => draft.createdAt)}::timestamptz[])`.execute(tx)
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
