import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'
import { readRenewalPrices } from './renewal-prices.ts'

/** What an account has, and what will be asked of it. Money in micros. */
export interface WalletView {
  readonly balanceMicros: bigint
  /** Set aside while the outcome of what it pays for is not known. */
  readonly heldMicros: bigint
  readonly currency: string
  readonly hasCard: boolean
  readonly lastDeposit: Deposit | null
  /** With tax: what has been made out and awaits payment, and renewals of the next 30 days. */
  readonly expectedExpensesMicros: bigint
}

export interface Deposit {
  readonly amountMicros: bigint
  readonly method: 'credit' | 'card'
  readonly at: Date
}

const AHEAD_DAYS = 30
const DAY_MS = 86_400_000

/** Refuses `not_found` where the account has no wallet. */
export async function readWallet(db: Db, o: { accountId: bigint; now: Date }): Promise<WalletView> {
  const { rows } = await sql<Omit<WalletView, 'lastDeposit' | 'expectedExpensesMicros'>>`
    select w.balance as "balanceMicros", w.currency,
      coalesce((select h.balance from ledger_account h
        where h.account_id = w.account_id and h.kind = 'held'), 0) as "heldMicros",
      exists (select from card c
        where c.account_id = w.account_id and c.removed_at is null) as "hasCard"
    from ledger_account w
    where w.account_id = ${o.accountId} and w.kind = 'wallet'`.execute(db)
  const wallet = rows[0]
  if (!wallet) throw new Refusal('not_found')
  return {
    ...wallet,
    lastDeposit: await readLastDeposit(db, o.accountId),
    expectedExpensesMicros: await readExpectedExpenses(db, o),
  }
}

async function readLastDeposit(db: Db, accountId: bigint): Promise<Deposit | null> {
  const { rows } = await sql<Deposit>`
    (select amount as "amountMicros", 'credit' as method, created_at as at from credit
      where account_id = ${accountId} and amount > 0 order by id desc limit 1)
    union all
    (select amount, 'card', ended_at from card_charge
      where account_id = ${accountId} and state = 'succeeded' order by id desc limit 1)
    order by at desc limit 1`.execute(db)
  return rows[0] ?? null
}

/** A renewal that costs something and has no price in the account's currency is not foreseen. */
async function readExpectedExpenses(db: Db, o: { accountId: bigint; now: Date }): Promise<bigint> {
  const open = await sql<{ gross: bigint }>`
    select coalesce(sum(gross), 0)::bigint as gross from purchase
    where account_id = ${o.accountId} and state = 'awaiting_payment'`.execute(db)
  const coming = await sql<{ serverId: bigint }>`
    select s.server_id as "serverId" from subscription s
    where s.account_id = ${o.accountId} and s.kind = 'server' and s.state = 'active'
      and s.expires_at < ${new Date(o.now.getTime() + AHEAD_DAYS * DAY_MS)}
      and not exists (
        select from purchase_line l where l.subscription_id = s.id
          and l.period_from = s.expires_at and not l.is_cancelled)`.execute(db)
  const prices = await readRenewalPrices(
    db,
    coming.rows.map((row) => row.serverId),
  )
  let expected = open.rows[0]?.gross ?? 0n
  for (const { renewal } of prices.values()) expected += renewal?.grossMicros ?? 0n
  return expected
}
