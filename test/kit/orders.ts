/** Orders of a test's own without HTTP: placed through the committer, judged by the rows. */
import assert from 'node:assert/strict'
import { type KeyActor, SYSTEM } from '../../src/core/actor.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import { systemAccount } from '../../src/core/ledger/system-account.ts'
import { openWallet } from '../../src/core/ledger/wallets.ts'
import { NumberBlocks } from '../../src/core/orders/number-blocks.ts'
import { OrderCommitter } from '../../src/core/orders/order-committer.ts'
import type { Database } from '../../src/db/database.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'

export interface OrderShop {
  readonly database: Database
  readonly clock: ShiftedClock
  readonly funnel: Funnel
  readonly serviceId: bigint
  /** A service that does not allow cancel. */
  readonly stubbornId: bigint
  readonly revenueId: bigint
  readonly numbers: NumberBlocks
  readonly committer: OrderCommitter
}

/** What each customer has at first. */
export const CREDIT_MICROS = 1_000_000_000n

/** A shop with two services of the simulated provider, on an empty database. */
export async function openOrderShop(database: Database): Promise<OrderShop> {
  const clock = new ShiftedClock()
  const { rows } = await database.pool.query<{ id: bigint }>(
    `with category as (insert into service_category (name) values ('Test') returning id)
     insert into service (category_id, name, type, min_quantity, max_quantity, can_cancel,
       created_at, updated_at)
     select id, 'Test', 'Default', 1, 1000000, can_cancel, now(), now()
     from category, unnest(array[true, false]) as can_cancel
     order by can_cancel desc
     returning id`,
  )
  const [service, stubborn] = rows
  assert.ok(service && stubborn)
  return {
    database,
    clock,
    funnel: { database, clock },
    serviceId: service.id,
    stubbornId: stubborn.id,
    revenueId: await database.transaction((tx) => systemAccount(tx, 'revenue', 'USD')),
    numbers: new NumberBlocks(database.pool),
    committer: new OrderCommitter(database.pool),
  }
}

/** A customer of the shop with CREDIT_MICROS in the wallet. */
export async function newOrderCustomer(shop: OrderShop): Promise<KeyActor> {
  const createdAt = shop.clock.now()
  const { accountId, walletId } = await shop.database.transaction(async (tx) => {
    const account = await tx
      .insertInto('account')
      .values({
        email: `customer-${crypto.randomUUID()}@shop.example`,
        name: 'Customer',
        currency: 'USD',
        time_zone: 'UTC',
        created_at: createdAt,
        updated_at: createdAt,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    const walletId = await openWallet(tx, { accountId: account.id, currency: 'USD' })
    return { accountId: account.id, walletId }
  })
  const amountMicros = String(CREDIT_MICROS)
  const input = { accountId: String(accountId), amountMicros, reason: 'test' }
  await execute(shop.funnel, grantCredit, { actor: SYSTEM, input, idempotencyKey: null })
  return {
    kind: 'key',
    keyId: 1n,
    digest: '',
    epoch: 1n,
    accountId,
    walletId,
    currency: 'USD',
    timeZone: 'UTC',
    scopes: ['read:all', 'write:all'],
    discountPpm: 0,
    legacyErrors: false,
    groupDiscountPpm: 0,
    ownRates: null,
  }
}

export interface PlacedTerms {
  readonly quantity?: bigint
  readonly chargeMicros?: bigint
  readonly serviceId?: bigint
  readonly provider?: string
  /** What the type asks for beside link and quantity; of an order in parts its plan. */
  readonly params?: Readonly<Record<string, unknown>>
  readonly unfolds?: boolean
}

/** Places an order: 1000 for 1.00 unless asked otherwise. */
export async function placeOrderOf(
  shop: OrderShop,
  actor: KeyActor,
  terms: PlacedTerms = {},
): Promise<bigint> {
  let id = shop.numbers.take()
  while (id === undefined) {
    await shop.numbers.fetch()
    id = shop.numbers.take()
  }
  const chargeMicros = terms.chargeMicros ?? 1_000_000n
  const outcome = await shop.committer.place({
    id,
    accountId: actor.accountId,
    walletId: actor.walletId,
    revenueId: shop.revenueId,
    keyId: actor.keyId,
    actor: { kind: 'key', id: actor.keyId },
    exclusiveLink: null,
    unfolds: terms.unfolds ?? false,
    serviceId: terms.serviceId ?? shop.serviceId,
    quantity: terms.quantity ?? 1_000n,
    listChargeMicros: chargeMicros,
    chargeMicros,
    currency: 'USD',
    provider: terms.provider ?? 'simulated',
    link: 'https://shop.example',
    params: terms.params === undefined ? null : JSON.stringify(terms.params),
    idempotencyKey: null,
    requestHash: null,
    createdAt: shop.clock.now(),
    catalogueEpoch: 1n,
    keyEpoch: 1n,
  })
  assert.equal(outcome.kind, 'placed')
  return id
}

export interface OrderFacts {
  readonly state: string
  readonly remains: bigint
  readonly start_count: bigint | null
  readonly refunded: bigint
  readonly provider_ref: string | null
  readonly submit_asked_at: Date | null
  readonly lease_worker: string | null
  readonly look_at: Date | null
  readonly idle: boolean
}

export async function orderFacts(shop: OrderShop, id: bigint): Promise<OrderFacts> {
  const { rows } = await shop.database.pool.query<OrderFacts>(
    'select *, look_at is null as idle from service_order where id = $1',
    [id],
  )
  assert.ok(rows[0], `order ${id} has no row`)
  return rows[0]
}

/** The kinds of an order's events, oldest first. */
export async function eventsOf(shop: OrderShop, id: bigint): Promise<string[]> {
  const { rows } = await shop.database.pool.query<{ kind: string }>(
    `select kind from event where subject_id = $1 and kind like 'order%'
     order by restore_epoch, tx_id, id`,
    [id],
  )
  return rows.map((row) => row.kind)
}

export async function balanceOf(shop: OrderShop, actor: KeyActor): Promise<bigint> {
  const { rows } = await shop.database.pool.query<{ balance: bigint }>(
    'select balance from ledger_account where id = $1',
    [actor.walletId],
  )
  assert.ok(rows[0])
  return rows[0].balance
}

/**
 * Names whatever is wrong with the books of orders: wallets beside their transfers, refunds beside
 * their rows or over the charge, states without exactly one event, ended orders still looked at.
 */
export async function checkOrderBooks(shop: OrderShop): Promise<void> {
  const { rows } = await shop.database.pool.query<{ breach: string }>(`
    select 'wallet ' || a.id as breach
    from ledger_account a
    where a.balance <> (
      select coalesce(sum(case when t.credit_id = a.id then t.amount else -t.amount end), 0)
      from transfer t where a.id in (t.credit_id, t.debit_id))
    union all
    select 'refunds of order ' || o.id
    from service_order o
    where o.refunded > o.charge or o.refunded <> (
      select coalesce(sum(r.amount), 0) from order_refund r where r.order_id = o.id)
    union all
    select 'transfer of refund ' || r.id
    from order_refund r
    where 1 <> (select count(*) from transfer t
      where t.cause_kind = 'order_refund' and t.cause_id = r.id and t.amount = r.amount)
    union all
    select 'events of order ' || o.id
    from service_order o
    cross join lateral (
      select case when o.parent_id is null then 'order.' else 'order_part.' end as name
    ) k
    where 1 <> (select count(*) from event e where e.subject_id = o.id and e.kind in (
        k.name || case o.state when 'pending' then 'placed' else o.state end))
      or 1 < (select count(*) from event e where e.subject_id = o.id and e.kind in (k.name
        || 'partial', k.name || 'completed', k.name || 'done', k.name || 'canceled',
        k.name || 'failed'))`)
  assert.deepEqual(
    rows.map((row) => row.breach),
    [],
  )
}
