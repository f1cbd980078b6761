/** A shop of servers on a database of its own: its customers rent, and are asked to renew. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { UserActor } from '../../src/core/actor.ts'
import type { BillingTerms } from '../../src/core/billing/billing-terms.ts'
import { payDuePurchases } from '../../src/core/billing/paying/pay-due-purchases.ts'
import { PaymentDesk } from '../../src/core/billing/paying/payment-desk.ts'
import { PURCHASE_STATES, type Purchase } from '../../src/core/billing/purchase.ts'
import { listPurchases, readPurchase } from '../../src/core/billing/purchase-views.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import { openWallet } from '../../src/core/ledger/wallets.ts'
import type { Operation } from '../../src/core/operation.ts'
import { type Database, openDatabase } from '../../src/db/database.ts'
import { simulatedCompute } from '../../src/drivers/compute/simulated-compute.ts'
import { simulatedCards } from '../../src/drivers/payment/simulated-cards.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'
import { parseAmount } from '../../src/lib/money.ts'
import { renewOnce } from '../../src/workers/renewal-worker.ts'
import { assertVerified } from './assert-verified.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'
import { type RentedServer, rentServer } from './rent-server.ts'

export const TERMS: BillingTerms = { invoiceDaysAhead: 7, suspendAfterDays: 3 }

const DAY_MS = 86_400_000

/** Prices in USD by months. `four` is sold from 3 months on, though it has a price for one. */
const PLANS = {
  two: { name: 'Cloud 2', least: 1, prices: { 1: '5', 3: '14', 12: '50' } },
  four: { name: 'Cloud 4', least: 3, prices: { 1: '10', 3: '28.01', 12: '100' } },
  gift: { name: 'Gift', least: 1, prices: { 1: '0' } },
} as const
const ADDONS = {
  cpanel: { name: 'cPanel Pro 30', prices: { 1: '2.5', 3: '7.5' } },
  backups: { name: 'Backups', prices: { 1: '1', 3: '3', 12: '12' } },
} as const
const PROMOS = [
  { code: 'HALF', ppm: 500_000, least: 1, plan: null, until: null },
  { code: 'YEAR', ppm: 100_000, least: 12, plan: null, until: null },
  { code: 'FOUR', ppm: 200_000, least: 1, plan: 'four', until: null },
  { code: 'ALL', ppm: 1_000_000, least: 1, plan: null, until: null },
  { code: 'OLD', ppm: 500_000, least: 1, plan: null, until: '2020-01-01Z' },
] as const

type PlanKey = keyof typeof PLANS
type AddonKey = keyof typeof ADDONS

export interface RenewalShop {
  readonly place: TestDatabase
  readonly database: Database
  readonly clock: ShiftedClock
  readonly funnel: Funnel
  /** Moves the clock to an instant, or by days. */
  travel(to: Date | number): void
  customer(o?: {
    timeZone?: string
    ratePpm?: number
    pricesIncludeTax?: boolean
    credit?: string
  }): Promise<UserActor>
  /** A server whose first period begins on the day of `from`, in its customer's zone. */
  rent(customer: UserActor, o?: RentTerms): Promise<RentedServer>
  run<I, O>(actor: UserActor, operation: Operation<I, O>, input: I, key?: string): Promise<O>
  purchase(customer: UserActor, id: bigint | string): Promise<Purchase>
  /** The newest first. */
  purchases(customer: UserActor): Promise<Purchase[]>
  events(subjectId: bigint | string, kind: string): Promise<number>
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** What a process has that renews by itself, with connections of its own. */
  process(): Promise<RenewalProcess>
  /** Every check of the books. */
  verify(): Promise<void>
  close(): Promise<void>
}

export interface RenewalProcess {
  /** One step; whether there is more to do. */
  step(): Promise<boolean>
  /** Steps until nothing is due. */
  runDry(): Promise<void>
  /** What it logged, by the message. */
  readonly warnings: readonly string[]
}

export interface RentTerms {
  readonly plan?: PlanKey
  readonly months?: number
  readonly from?: Date
  readonly addons?: readonly AddonKey[]
  readonly autoPay?: boolean
  readonly address?: string
}

export async function openRenewalShop(): Promise<RenewalShop> {
  const place = await testDatabase()
  const database = openDatabase(place.connection, { max: 20, connectWithinMs: 60_000 })
  const clock = new ShiftedClock()
  const funnel = { database, clock }
  const query: RenewalShop['query'] = async (text, values = []) =>
    (await database.pool.query(text, [...values])).rows
  const ids = await addCatalogue(database)
  let servers = 0
  const closing: (() => Promise<void>)[] = []
  return {
    place,
    database,
    clock,
    funnel,
    query,
    travel(to) {
      const atMs = to instanceof Date ? to.getTime() : clock.now().getTime() + to * DAY_MS
      clock.shiftTo(atMs - Date.now())
    },
    customer: (o = {}) => addCustomer(funnel, o),
    rent(customer, o = {}) {
      servers++
      return addServer({ funnel, ids, number: servers }, customer, o)
    },
    async run(actor, operation, input, key) {
      const call = { actor, input, idempotencyKey: key ?? null }
      return (await execute(funnel, operation, call)).output
    },
    purchase: ({ accountId }, id) => readPurchase(database.db, { accountId, id: BigInt(id) }),
    async purchases({ accountId }) {
      const window = { before: undefined, limit: 1000 }
      const o = { accountId, states: PURCHASE_STATES, window }
      return (await listPurchases(database.db, o)).purchases
    },
    async events(subjectId, kind) {
      const rows = await query('select from event where subject_id = $1 and kind = $2', [
        subjectId,
        kind,
      ])
      return rows.length
    },
    async process() {
      const own = openDatabase(place.connection, { max: 8, connectWithinMs: 60_000 })
      const payments = paymentsOf({ database: own, clock })
      closing.push(async () => {
        await payments.drained()
        await own.close()
      })
      return renewalProcess({ database: own, clock }, payments)
    },
    verify: () => assertVerified(database),
    async close() {
      for (const close of closing) await close()
      await database.close()
      await place.drop()
    },
  }
}

function paymentsOf(funnel: Funnel): PaymentDesk {
  const world = { pool: funnel.database.pool, clock: funnel.clock }
  return new PaymentDesk({
    funnel,
    compute: new Map([['simulated', simulatedCompute(world)]]),
    cards: new Map([['simulated', simulatedCards(world)]]),
    terms: TERMS,
    log: { warn: () => {} },
  })
}

const DRY_WITHIN_MS = 150_000
const DRY_PAUSE_MS = 10

function renewalProcess(funnel: Funnel, payments: PaymentDesk): RenewalProcess {
  const warnings: string[] = []
  const step = () =>
    renewOnce({
      funnel,
      payDue: (o) => payDuePurchases(payments, o),
      log: { warn: (_: unknown, text?: string) => void warnings.push(text ?? '') },
      busy: () => false,
    })
  const due = async () => {
    const { rows } = await funnel.database.pool.query<{ due: boolean }>(
      `select exists (select from subscription where next_invoice_at <= $1 or suspend_at <= $1)
         or exists (select from purchase where pay_at <= $1) as due`,
      [funnel.clock.now()],
    )
    return rows[0]?.due === true
  }
  return {
    warnings,
    step,
    async runDry() {
      const deadline = Date.now() + DRY_WITHIN_MS
      for (;;) {
        const isMore = await step()
        if (!isMore && !(await due())) return
        assert.ok(Date.now() < deadline, 'the work comes to an end')
        // What is left is another process's, which is at it.
        if (!isMore) await pause(DRY_PAUSE_MS)
      }
    },
  }
}

interface CatalogueIds {
  readonly plans: Readonly<Record<PlanKey, bigint>>
  readonly addons: Readonly<Record<AddonKey, bigint>>
}

async function addCatalogue({ pool }: Database): Promise<CatalogueIds> {
  const idOf = async (text: string, values: readonly unknown[]): Promise<bigint> =>
    (await pool.query<{ id: bigint }>(text, [...values])).rows[0]!.id
  const plans: Record<string, bigint> = {}
  for (const [key, { name, least, prices }] of Object.entries(PLANS)) {
    const id = await idOf(
      `insert into plan (public_id, key, name, vcpus, memory_mb, disk_gb, bandwidth_gb,
         minimum_billing_cycle, created_at, updated_at)
       values (gen_random_uuid(), $1, $2, 2, 2048, 40, 1000, $3, now(), now()) returning id`,
      [key, name, least],
    )
    plans[key] = id
    for (const [months, price] of Object.entries(prices)) {
      await pool.query(`insert into plan_price values ($1, 'USD', $2, $3)`, [
        id,
        months,
        parseAmount(price),
      ])
    }
  }
  const addons: Record<string, bigint> = {}
  for (const [key, { name, prices }] of Object.entries(ADDONS)) {
    const id = await idOf(
      `insert into addon (public_id, key, family, name, created_at, updated_at)
       values (gen_random_uuid(), $1, $1, $2, now(), now()) returning id`,
      [key, name],
    )
    addons[key] = id
    for (const [months, price] of Object.entries(prices)) {
      await pool.query(`insert into addon_price values ($1, 'USD', $2, $3)`, [
        id,
        months,
        parseAmount(price),
      ])
    }
  }
  for (const { code, ppm, least, plan, until } of PROMOS) {
    await pool.query(
      `insert into promo_code (code, percent_ppm, minimum_billing_cycle, plan_id, valid_until,
         created_at) values ($1, $2, $3, $4, $5, now())`,
      [code, ppm, least, plan === null ? null : plans[plan], until],
    )
  }
  return { plans, addons } as CatalogueIds
}

async function addCustomer(
  funnel: Funnel,
  o: NonNullable<Parameters<RenewalShop['customer']>[0]>,
): Promise<UserActor> {
  const accountId = await funnel.database.transaction(async (tx) => {
    const profile = await tx
      .insertInto('tax_profile')
      .values({
        name: crypto.randomUUID(),
        rate_ppm: o.ratePpm ?? 200_000,
        prices_include_tax: o.pricesIncludeTax ?? true,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const account = await tx
      .insertInto('account')
      .values({
        email: `${crypto.randomUUID()}@shop.example`,
        name: 'Customer',
        currency: 'USD',
        time_zone: o.timeZone ?? 'Europe/Sofia',
        tax_profile_id: profile.id,
        created_at: funnel.clock.now(),
        updated_at: funnel.clock.now(),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await openWallet(tx, { accountId: account.id, currency: 'USD' })
    return account.id
  })
  if (o.credit !== undefined) {
    const amountMicros = String(parseAmount(o.credit))
    const input = { accountId: String(accountId), amountMicros, reason: 'a deposit' }
    const call = { actor: { kind: 'system' } as const, input, idempotencyKey: null }
    await execute(funnel, grantCredit, call)
  }
  return { kind: 'user', userId: 1n, accountId, scopes: ['read:all', 'write:all'] }
}

async function addServer(
  shop: { funnel: Funnel; ids: CatalogueIds; number: number },
  { accountId }: UserActor,
  o: RentTerms,
): Promise<RentedServer> {
  const { plan = 'two', months = 1, addons = [], autoPay = true } = o
  return await rentServer(shop.funnel, {
    accountId,
    planId: shop.ids.plans[plan],
    billingCycle: months,
    addons: addons.map((key) => shop.ids.addons[key]),
    ref: `ref-${shop.number}`,
    hostname: `web-${shop.number}.example`,
    address: o.address ?? null,
    autoPay,
    from: o.from ?? null,
    terms: TERMS,
  })
}
