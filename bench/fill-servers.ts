import type pg from 'pg'
import { createTaxProfile } from '../src/core/billing/tax/create-tax-profile.ts'
import { createPlan } from '../src/core/catalogue/create-plan.ts'
import { asSystem } from './as-system.ts'
import type { PurserProcess } from './purser-process.ts'
import { CURRENCY } from './shop.ts'

/** What all servers of the bench cost a month, with 20 % tax within. */
const RENEWAL_MICROS = 5_000_000n
/** Enough for a hundred rounds. */
const CREDIT_MICROS = 100n * 20n * RENEWAL_MICROS
const CHUNK = 20_000

export interface ServerFleet {
  readonly planId: bigint
  /** With money in their wallets. */
  readonly accountIds: readonly bigint[]
}

/**
 * A plan, and a tax of 20 % for the customers who rent it: these, or as many new ones with money.
 * All of them have paid before: they have a ledger account for what is held.
 */
export async function openFleet(
  purser: PurserProcess,
  o: { accountIds: readonly bigint[] } | { accounts: number },
): Promise<ServerFleet> {
  const { pool } = purser.database
  const ask = asSystem(purser.database)
  const plan = await ask(createPlan(new Set(['simulated'])), {
    key: 'bench',
    name: 'Bench',
    vcpus: 1,
    memoryMb: 1024,
    diskGb: 10,
    bandwidthGb: 0,
    minimumBillingCycle: 1,
    provider: 'simulated',
    position: 0,
    prices: [{ currency: CURRENCY, billingCycle: 1, amount: '5.00' }],
  })
  const tax = { name: 'Bench', ratePpm: 200_000, pricesIncludeTax: true }
  const { id: taxProfileId } = await ask(createTaxProfile, tax)
  const accountIds = 'accountIds' in o ? o.accountIds : await addAccounts(pool, o.accounts)
  await pool.query('update account set tax_profile_id = $1 where id = any ($2::bigint[])', [
    taxProfileId,
    accountIds,
  ])
  await pool.query(
    `insert into ledger_account (kind, account_id, currency, balance, floor)
     select 'held', id, '${CURRENCY}', 0, 0 from unnest($1::bigint[]) as id`,
    [accountIds],
  )
  return { planId: BigInt(plan.id), accountIds }
}

async function addAccounts(pool: pg.Pool, count: number): Promise<bigint[]> {
  const { rows } = await pool.query<{ id: bigint }>(ACCOUNTS, [count])
  return rows.map((row) => row.id)
}

const ACCOUNTS = `
  with opened as (
    insert into account (email, name, currency, time_zone, created_at, updated_at)
    select 'fleet-' || n || '@shop.example', 'Fleet ' || n, '${CURRENCY}', 'UTC', now(), now()
    from generate_series(1, $1::integer) n returning id
  ), wallets as (
    insert into ledger_account (kind, account_id, currency, balance, floor)
    select 'wallet', id, '${CURRENCY}', 0, 0 from opened returning id, account_id
  ), credits as (
    insert into credit (account_id, amount, currency, reason, created_at)
    select id, ${CREDIT_MICROS}, '${CURRENCY}', 'bench', now() from opened
    returning id, account_id
  ), moved as (
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, account_id,
      created_at)
    select s.id, w.id, ${CREDIT_MICROS}, '${CURRENCY}', 'credit', c.id, c.account_id, now()
    from credits c join wallets w on w.account_id = c.account_id,
      (select id from ledger_account where kind = 'credit_granted' and currency = '${CURRENCY}') s
  ), told as (
    insert into event (kind, subject_id, account_id, actor_kind, created_at)
    select 'credit.granted', id, account_id, 'system', now() from credits
  )
  select id from opened order by id`

/**
 * Adds servers whose last period ended this midnight (UTC) and whose renewals are due to be made
 * out and paid, or have been made out already where `madeOut` says so. Returns their ids.
 */
export async function fillServers(
  { database: { pool } }: PurserProcess,
  fleet: ServerFleet,
  o: { count: number; madeOut: boolean },
): Promise<bigint[]> {
  const ids: bigint[] = []
  for (let filled = 0; filled < o.count; filled += CHUNK) {
    const rows = Math.min(CHUNK, o.count - filled)
    const values = [fleet.accountIds, fleet.planId, rows, filled]
    const added = await pool.query<{ id: bigint }>(SERVERS, values)
    const some = added.rows.map((row) => row.id)
    await pool.query(SUBSCRIPTIONS, [some])
    if (o.madeOut) await pool.query(MADE_OUT, [some])
    ids.push(...some)
  }
  return ids
}

/** $1: the accounts, $2: the plan, $3: how many, $4: how many there are already. */
const SERVERS = `
  insert into server (public_id, account_id, plan_id, provider, provider_ref, hostname, location,
    image_name, image_family, image_version, created_at, updated_at)
  select gen_random_uuid(), ($1::bigint[])[1 + ($4::integer + n) % array_length($1::bigint[], 1)],
    $2, 'simulated', gen_random_uuid()::text, 'web-' || ($4::integer + n) || '.example', 'Bench',
    'Ubuntu 24.04', 'ubuntu', '24.04', now(), now()
  from generate_series(0, $3::integer - 1) n
  returning id`

const SUBSCRIPTIONS = `
  with due as materialized (
    select date_trunc('day', now(), 'UTC') as at
  ), opened as (
    insert into subscription (public_id, account_id, kind, server_id, plan_id, billing_cycle,
      time_zone, anchor_day, expires_at, next_invoice_at, suspend_at, created_at, updated_at)
    select gen_random_uuid(), s.account_id, 'server', s.id, s.plan_id, 1, 'UTC',
      extract(day from due.at at time zone 'UTC'), due.at, due.at - interval '7 days',
      due.at + interval '3 days', now(), now()
    from server s, due where s.id = any ($1::bigint[])
    returning id, account_id, expires_at
  ), granted as (
    insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
      account_id, created_at)
    select id, expires_at - interval '1 month', expires_at, 1, account_id, now() from opened
  )
  insert into event (kind, subject_id, account_id, actor_kind, created_at)
  select 'subscription.opened', id, account_id, 'system', now() from opened`

/** As if the scheduler had made them out, for customers who pay by hand. */
const MADE_OUT = `
  with rented as materialized (
    update subscription s set next_invoice_at = null, auto_pay = false
    from server v where v.id = s.server_id and v.id = any ($1::bigint[])
    returning s.id, s.account_id, s.expires_at, v.hostname, nextval('purchase_id_seq') as purchase
  ), bought as (
    insert into purchase (id, account_id, currency, tax_rate_ppm, net, gross, auto_pay, due_at,
      created_at, updated_at)
    select purchase, account_id, '${CURRENCY}', 200000, 4170000, ${RENEWAL_MICROS}, false,
      expires_at, now(), now()
    from rented
  ), listed as (
    insert into purchase_line (purchase_id, account_id, position, subscription_id, kind, label,
      period_from, period_to, billing_cycle, list_net, list_gross, net, gross)
    select purchase, account_id, 1, id, 'server', 'Renewal: Bench - ' || hostname, expires_at,
      expires_at + interval '1 month', 1, 4170000, ${RENEWAL_MICROS}, 4170000, ${RENEWAL_MICROS}
    from rented
  ), invoiced as (
    insert into invoice (public_id, account_id, purchase_id, currency, tax_rate_ppm, net, gross,
      issued_on, due_at, created_at, updated_at)
    select gen_random_uuid(), account_id, purchase, '${CURRENCY}', 200000, 4170000,
      ${RENEWAL_MICROS}, expires_at, expires_at, now(), now()
    from rented
  )
  insert into event (kind, subject_id, account_id, actor_kind, created_at)
  select 'purchase.created', purchase, account_id, 'system', now() from rented`
