/**
 * A shop with a plan, an addon and a tax of 20 % within its prices, customers with servers, and
 * payment desks, each as if of a process of its own, on one database. A server costs 5.00 a month
 * in USD and its addon 2.00; the provider and the gateway do as a test says.
 */
import assert from 'node:assert/strict'
import { type Actor, SYSTEM, type UserActor } from '../../src/core/actor.ts'
import type { BillingTerms } from '../../src/core/billing/billing-terms.ts'
import type { PayOutcome } from '../../src/core/billing/paying/payment.ts'
import { PaymentDesk } from '../../src/core/billing/paying/payment-desk.ts'
import { renewServers } from '../../src/core/billing/renew-servers.ts'
import { createTaxProfile } from '../../src/core/billing/tax/create-tax-profile.ts'
import { createAddon } from '../../src/core/catalogue/create-addon.ts'
import { createPlan } from '../../src/core/catalogue/create-plan.ts'
import { execute } from '../../src/core/execute.ts'
import { createAccount } from '../../src/core/identity/create-account.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import type { Operation } from '../../src/core/operation.ts'
import { type Database, openDatabase } from '../../src/db/database.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'
import { assertVerified } from './assert-verified.ts'
import { giveCard } from './give-card.ts'
import { Gateway, Provider } from './outside-worlds.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'
import type { TestConnection } from './postgres-server.ts'
import { rentServer } from './rent-server.ts'
import { transferLines } from './transfer-lines.ts'

const UNIT = 1_000_000n
const CONNECTIONS = { max: 8, connectWithinMs: 60_000 }
const TERMS: BillingTerms = { invoiceDaysAhead: 7, suspendAfterDays: 3 }

/** How a customer begins. */
export interface CustomerTerms {
  /** What the wallet holds. */
  readonly creditMicros?: bigint
  readonly card?: boolean
  /** 'none': the account pays no tax. */
  readonly tax?: 'within' | 'none'
}

export class PaymentScene {
  readonly database: Database
  readonly provider = new Provider()
  readonly gateway = new Gateway()
  readonly clock = new ShiftedClock()
  /** What was logged, facts and message. */
  readonly logged: [object, string][] = []
  readonly desks: PaymentDesk[] = []
  readonly #databases: Database[] = []
  readonly #place: TestDatabase
  #servers = 0
  #planId = 0n
  #addonId = 0n
  #taxProfileId = 0n

  private constructor(place: TestDatabase) {
    this.#place = place
    this.database = openDatabase(place.connection, CONNECTIONS)
  }

  static async open(): Promise<PaymentScene> {
    const scene = new PaymentScene(await testDatabase())
    const monthly = (amount: string) => [{ currency: 'USD', billingCycle: 1, amount }]
    const plan = await scene.run(createPlan(new Set(['simulated'])), {
      key: 'small',
      name: 'Small',
      vcpus: 1,
      memoryMb: 1024,
      diskGb: 10,
      bandwidthGb: 0,
      minimumBillingCycle: 1,
      provider: 'simulated',
      position: 0,
      prices: monthly('5.00'),
    })
    scene.#planId = BigInt(plan.id)
    const addon = await scene.run(createAddon, {
      key: 'cpanel-pro-30',
      family: 'cpanel',
      name: 'cPanel',
      position: 0,
      prices: monthly('2.00'),
    })
    scene.#addonId = BigInt(addon.id)
    const tax = { name: 'VAT 20 %', ratePpm: 200_000, pricesIncludeTax: true }
    scene.#taxProfileId = BigInt((await scene.run(createTaxProfile, tax)).id)
    return scene
  }

  async close(): Promise<void> {
    await Promise.all(this.desks.map((desk) => desk.drained()))
    await Promise.all([this.database, ...this.#databases].map((database) => database.close()))
    await this.#place.drop()
  }

  get funnel() {
    return { database: this.database, clock: this.clock }
  }

  get connection(): TestConnection {
    return this.#place.connection
  }

  /** A desk with connections of its own, as another process has it. */
  desk(connection: TestConnection = this.connection): PaymentDesk {
    const database = openDatabase(connection, CONNECTIONS)
    this.#databases.push(database)
    const desk = new PaymentDesk({
      funnel: { database, clock: this.clock },
      compute: new Map([['simulated', this.provider]]),
      cards: new Map([['simulated', this.gateway]]),
      terms: TERMS,
      log: { warn: (facts, message) => void this.logged.push([facts, message]) },
    })
    this.desks.push(desk)
    return desk
  }

  async run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output> {
    const call = { actor: SYSTEM, input, idempotencyKey: null }
    return (await execute(this.funnel, operation, call)).output
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.database.pool.query(text, [...values])).rows as Row[]
  }

  async customer(o: CustomerTerms = {}): Promise<PayingCustomer> {
    const { id } = await this.run(createAccount, {
      email: `${crypto.randomUUID()}@shop.example`,
      name: 'Customer',
      currency: 'USD',
      timeZone: 'Europe/Sofia',
    })
    const accountId = BigInt(id)
    if (o.tax !== 'none') {
      const values = [this.#taxProfileId, accountId]
      await this.query('update account set tax_profile_id = $1 where id = $2', values)
    }
    const customer = new PayingCustomer(this, accountId)
    if (o.creditMicros !== undefined && o.creditMicros > 0n) await customer.credit(o.creditMicros)
    if (o.card ?? false) await giveCard(this.funnel, accountId)
    return customer
  }

  /** A server whose first month, granted, ends `daysLeft` days from now at the most. */
  async server(accountId: bigint, o: { addon: boolean; autoPay: boolean }): Promise<TestServer> {
    const number = ++this.#servers
    const { serverId, ref, subscriptionId } = await rentServer(this.funnel, {
      accountId,
      planId: this.#planId,
      billingCycle: 1,
      addons: o.addon ? [this.#addonId] : [],
      ref: `ref-${number}`,
      hostname: `web-${number}.example`,
      address: null,
      autoPay: o.autoPay,
      from: null,
      terms: TERMS,
    })
    return { id: serverId, ref, subscriptionId }
  }

  /** The transfers that a purchase has caused, in their order: `hold wallet>held 5000000`. */
  async transfers(purchaseId: bigint): Promise<string[]> {
    return await transferLines(
      this.database.pool,
      `(t.cause_kind in ('hold', 'hold_end') and t.cause_id in (
           select id from hold where subject_kind = 'purchase' and subject_id = $1))
         or (t.cause_kind = 'card_charge' and t.cause_id in (
           select id from card_charge where purchase_id = $1))`,
      [purchaseId],
    )
  }

  async purchase(id: bigint): Promise<{ state: string; gross: bigint; payAt: Date | null }> {
    const [row] = await this.query<{ state: string; gross: bigint; payAt: Date | null }>(
      `select state, gross, pay_at as "payAt" from purchase where id = $1`,
      [id],
    )
    return row!
  }

  /** How often events of these kinds were written of one subject. */
  async events(subjectId: bigint, prefix: string): Promise<string[]> {
    const rows = await this.query<{ kind: string }>(
      `select kind from event where subject_id = $1 and kind like $2 order by tx_id, id`,
      [subjectId, `${prefix}%`],
    )
    return rows.map((row) => row.kind)
  }

  /** As if the process that held everything at this moment had died long ago. */
  async lapse(): Promise<void> {
    const past = `lease_until = now() - interval '1 hour', look_at = now() - interval '1 hour'`
    await this.query(`update purchase set ${past} where state = 'processing'`)
    await this.query(`update card_charge set ${past} where state = 'pending'`)
  }

  /** Proves what the ledger and billing promise of all rows. */
  async assertBooksBalance(): Promise<void> {
    await assertVerified(this.database)
  }
}

export interface TestServer {
  readonly id: bigint
  readonly ref: string
  readonly subscriptionId: bigint
}

export class PayingCustomer {
  readonly accountId: bigint
  readonly actor: UserActor
  readonly #scene: PaymentScene

  constructor(scene: PaymentScene, accountId: bigint) {
    this.#scene = scene
    this.accountId = accountId
    this.actor = { kind: 'user', userId: 1n, accountId, scopes: ['read:all', 'write:all'] }
  }

  async credit(micros: bigint): Promise<void> {
    await this.#scene.run(grantCredit, {
      accountId: String(this.accountId),
      amountMicros: String(micros),
      reason: 'test',
    })
  }

  async server(o: { addon?: boolean; autoPay?: boolean } = {}): Promise<TestServer> {
    const { addon = false, autoPay = false } = o
    return await this.#scene.server(this.accountId, { addon, autoPay })
  }

  /** Makes out one renewal for these servers. */
  async renew(...servers: readonly TestServer[]): Promise<bigint> {
    const { purchaseId } = await this.#scene.run(renewServers, {
      serverIds: servers.map(({ id }) => id),
      billingCycle: null,
      promoCode: null,
      addonIds: null,
      existing: 'keep',
    })
    return BigInt(purchaseId)
  }

  /** A server of its own and the renewal for it. */
  async renewal(o: { addon?: boolean; autoPay?: boolean } = {}) {
    const server = await this.server(o)
    return { server, purchaseId: await this.renew(server) }
  }

  /** Pays one purchase; what became of it. */
  async pay(
    desk: PaymentDesk,
    purchaseId: bigint,
    o: { key?: string; mayUseCard?: boolean | null; actor?: Actor } = {},
  ): Promise<PayOutcome['kind']> {
    const { output } = await desk.pay({
      actor: o.actor ?? this.actor,
      input: { purchaseIds: [purchaseId], mayUseCard: o.mayUseCard ?? null },
      idempotencyKey: o.key ?? null,
    })
    assert.deepEqual(
      output.map((result) => result.purchaseId),
      [purchaseId],
    )
    return output[0]!.outcome.kind
  }

  /** Wallet and held money. */
  async money(): Promise<{ wallet: bigint; held: bigint }> {
    const rows = await this.#scene.query<{ kind: string; balance: bigint }>(
      `select kind, balance from ledger_account where account_id = $1`,
      [this.accountId],
    )
    const of = (kind: string) => rows.find((row) => row.kind === kind)?.balance ?? 0n
    return { wallet: of('wallet'), held: of('held') }
  }

  /** How many periods of a server were paid for, and where its subscription ends by them. */
  async periods({ subscriptionId }: TestServer): Promise<{ paid: number; tile: boolean }> {
    const [row] = await this.#scene.query<{ paid: bigint; tile: boolean }>(
      `select count(*) filter (where d.purchase_line_id is not null) as paid,
         max(d.period_to) = s.expires_at
           and count(*) = 1 + count(*) filter (where exists (select from subscription_period b
             where b.subscription_id = s.id and b.period_to = d.period_from)) as tile
       from subscription s join subscription_period d on d.subscription_id = s.id
       where s.id = $1 group by s.id`,
      [subscriptionId],
    )
    return { paid: Number(row!.paid), tile: row!.tile }
  }
}

export const PRICE_MICROS = 5n * UNIT
