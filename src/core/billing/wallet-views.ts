import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { taxedAmounts } from '../../lib/tax.ts'
import { Refusal } from '../refusal.ts'

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

async function readExpectedExpenses(db: Db, o: { accountId: bigint; now: Date }): Promise<bigint> {
  const open = await sql<{ gross: bigint }>`
    select coalesce(sum(gross), 0)::bigint as gross from purchase
    where account_id = ${o.accountId} and state = 'awaiting_payment'`.execute(db)
  let expected = open.rows[0]?.gross ?? 0n
  for (const { count, priceMicros, quantity, currency, ...tax } of await readComing(db, o)) {
    const line = { priceMicros, quantity, discountPpm: 0, currency, tax }
    expected += taxedAmounts(line).grossMicros * count
  }
  return expected
}

interface ComingLines {
  readonly priceMicros: bigint
  readonly quantity: number
  readonly currency: string
  readonly ratePpm: number
  readonly pricesIncludeTax: boolean
  /** How many lines are so. */
  readonly count: bigint
}

/**
 * The lines of the renewals that come due and have not been made out, those that cost the same
 * together, so that a customer of many servers is read as quickly. What has no price in the
 * account's currency is not foreseen.
 */
async function readComing(db: Db, o: { accountId: bigint; now: Date }): Promise<ComingLines[]> {
  const { rows } = await sql<ComingLines>`
    select c.*, a.currency, t.rate_ppm as "ratePpm", t.prices_include_tax as "pricesIncludeTax"
    from account a
    join tax_profile t on t.id = a.tax_profile_id
    cross join lateral (
      select coalesce(n.amount, m.amount) as "priceMicros", u.quantity, count(*) as count
      from subscription s
      join subscription u on u.server_id = s.server_id and u.state = 'active'
        and u.expires_at = s.expires_at
      left join plan_price n on n.plan_id = u.plan_id and n.currency = a.currency
        and n.billing_cycle = s.billing_cycle
      left join addon_price m on m.addon_id = u.addon_id and m.currency = a.currency
        and m.billing_cycle = s.billing_cycle
      where s.account_id = a.id and s.kind = 'server' and s.state = 'active'
        and s.expires_at < ${new Date(o.now.getTime() + AHEAD_DAYS * DAY_MS)}
        and not exists (
          select from purchase_line l where l.subscription_id = s.id
            and l.period_from = s.expires_at and not l.is_cancelled)
      group by 1, 2 having coalesce(n.amount, m.amount) is not null
    ) c
    where a.id = ${o.accountId}`.execute(db)
  return rows
}
