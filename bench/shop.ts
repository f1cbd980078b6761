import { createCategory } from '../src/core/catalogue/create-category.ts'
import { createService } from '../src/core/catalogue/create-service.ts'
import { createAccount } from '../src/core/identity/create-account.ts'
import { createApiKey } from '../src/core/identity/create-api-key.ts'
import { grantCredit } from '../src/core/ledger/grant-credit.ts'
import type { Database } from '../src/db/database.ts'
import { asSystem } from './as-system.ts'

/** A customer with a key and more money than the bench can spend. */
export interface Wallet {
  readonly accountId: bigint
  readonly walletId: bigint
  readonly keyId: bigint
  readonly key: string
}

export interface Shop {
  readonly wallets: readonly Wallet[]
  /** Of type Default, at 0.90 for 1000. */
  readonly serviceId: bigint
  readonly revenueId: bigint
}

export const CURRENCY = 'USD'
export const QUANTITY = 50
export const CHARGE_MICROS = 45_000n
const CREDIT_MICROS = 1_000_000_000_000n
const AT_ONCE = 8

/** Opens a shop of one service and `wallets` customers, by the operations an operator has. */
export async function openShop(database: Database, o: { wallets: number }): Promise<Shop> {
  const ask = asSystem(database)
  const category = await ask(createCategory, { name: 'Bench', position: 0 })
  const serviceId = await addService(ask, BigInt(category.id))
  const customers = await inParallel(o.wallets, async (at) => {
    const account = await ask(createAccount, {
      email: `bench-${at}@shop.example`,
      name: `Bench ${at}`,
      currency: CURRENCY,
      timeZone: 'UTC',
    })
    await ask(grantCredit, {
      accountId: account.id,
      amountMicros: String(CREDIT_MICROS),
      reason: 'bench',
    })
    const made = await ask(createApiKey, {
      accountId: BigInt(account.id),
      name: 'bench',
      scopes: ['read:all', 'write:all'],
      discountPpm: 0,
      legacyErrors: false,
    })
    return { accountId: BigInt(account.id), keyId: BigInt(made.id), key: made.key }
  })
  const ledger = await readLedgerAccounts(database)
  const wallets = customers.map((customer) => {
    const walletId = ledger.walletIds.get(customer.accountId)
    if (walletId === undefined) throw new Error(`account ${customer.accountId} has no wallet`)
    return { ...customer, walletId }
  })
  return { wallets, serviceId, revenueId: ledger.revenueId }
}

/** Adds copies of the shop's service, ten to a category, until the catalogue lists `count`. */
export async function fillCatalogue(
  { pool }: Database,
  o: { shop: Shop; count: number },
): Promise<void> {
  await pool.query(FILL_CATALOGUE, [o.shop.serviceId, o.count])
}

/** $1: the service to copy, $2: how many there are to be. One statement moves the epoch once. */
const FILL_CATALOGUE = `
  with missing as materialized (
    select n from generate_series(1, $2::integer - (
      select count(*)::integer from service where state = 'active')) n
  ), categories as (
    insert into service_category (name, position)
    select 'Category ' || n, 1 from missing where n % 10 = 1 returning id, name
  ), listed as (
    insert into service (category_id, name, description, type, position, min_quantity,
      max_quantity, can_refill, can_cancel, can_dripfeed, provider, state, created_at, updated_at)
    select c.id, 'Service ' || m.n || ' of the bench', s.description, s.type, m.n, s.min_quantity,
      s.max_quantity, s.can_refill, s.can_cancel, s.can_dripfeed, s.provider, s.state, now(), now()
    from missing m
    join categories c on c.name = 'Category ' || (m.n - 1) / 10 * 10 + 1
    cross join service s where s.id = $1
    returning id
  )
  insert into service_price (service_id, currency, rate)
  select l.id, p.currency, p.rate + 10000 * (l.id % 100) from listed l
  join service_price p on p.service_id = $1`

async function addService(ask: ReturnType<typeof asSystem>, categoryId: bigint): Promise<bigint> {
  const service = await ask(createService(new Set(['simulated'])), {
    categoryId,
    name: 'Tagging',
    description: 'Delivered by the simulated provider.',
    type: 'Default',
    position: 0,
    minQuantity: 50,
    maxQuantity: 10_000,
    packageQuantity: null,
    canRefill: false,
    canCancel: true,
    canDripfeed: false,
    provider: 'simulated',
    prices: [{ currency: CURRENCY, rate: '0.90' }],
  })
  return BigInt(service.id)
}

async function readLedgerAccounts(
  database: Database,
): Promise<{ walletIds: ReadonlyMap<bigint, bigint>; revenueId: bigint }> {
  const { rows } = await database.pool.query<{ id: bigint; account_id: bigint | null }>(
    `select id, account_id from ledger_account
     where kind = 'wallet' or (kind = 'revenue' and currency = $1)`,
    [CURRENCY],
  )
  const walletIds = new Map<bigint, bigint>()
  for (const row of rows) if (row.account_id !== null) walletIds.set(row.account_id, row.id)
  const revenue = rows.find((row) => row.account_id === null)
  if (revenue === undefined) throw new Error('there is no revenue account')
  return { walletIds, revenueId: revenue.id }
}

/** `count` times `body`, a few at once; the answers in order. */
async function inParallel<T>(count: number, body: (at: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  let next = 0
  const work = async () => {
    while (next < count) {
      const at = next++
      answers[at] = await body(at)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answers
}
