import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  balanceOf,
  checkOrderBooks,
  eventsOf,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { openDatabase } from '../../db/database.ts'
import { simulatedDelivery } from '../../drivers/delivery/simulated-delivery.ts'
import { setSimulatedFault } from '../../drivers/simulated-faults.ts'
import type { KeyActor } from '../actor.ts'
import { SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import type { Refusal } from '../refusal.ts'
import { type CancelResult, cancelOrders } from './cancel-orders.ts'
import type { DeliveryDriver } from './delivery-driver.ts'
import type { OrderReport } from './order.ts'
import { recordProgress } from './record-progress.ts'
import { refundOrder } from './refund-order.ts'
import { setOrderStatus } from './set-order-status.ts'

let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let driver: DeliveryDriver

before(async () => {
  place = await testDatabase()
  // Far more is asked at once than there are connections.
  shop = await openOrderShop(openDatabase(place.connection, { connectWithinMs: 60_000 }))
  customer = await newOrderCustomer(shop)
  driver = simulatedDelivery({ pool: shop.database.pool, clock: shop.clock })
})
after(async () => {
  try {
    await checkOrderBooks(shop)
  } finally {
    await shop.database.close()
    await place.drop()
  }
})

async function cancel(
  orders: readonly (string | bigint)[],
  o: { actor?: KeyActor; idempotencyKey?: string; driver?: DeliveryDriver } = {},
) {
  return await cancelOrders(
    { funnel: shop.funnel, drivers: new Map([['simulated', o.driver ?? driver]]) },
    {
      actor: o.actor ?? customer,
      input: { orders: orders.map(String) },
      idempotencyKey: o.idempotencyKey ?? null,
    },
  )
}

async function refusedOf(...args: Parameters<typeof cancel>): Promise<CancelResult['refused'][]> {
  return (await cancel(...args)).output.results.map((result) => result.refused)
}

async function report(orderId: bigint, said: Partial<OrderReport>): Promise<number> {
  const full = { state: 'in_progress', remains: null, startCount: null, ...said } as const
  const input = { reports: [{ orderId, report: full }], lease: null }
  const call = { actor: SYSTEM, input, idempotencyKey: null }
  return (await execute(shop.funnel, recordProgress, call)).output.changed
}

/** An order that its provider has taken, `delivered` of 1000 by now. */
async function placeTaken(o: { delivered?: bigint } = {}): Promise<bigint> {
  const id = await placeOrderOf(shop, customer)
  const link = 'https://shop.example'
  await driver.submit([
    {
      orderId: id,
      serviceId: shop.serviceId,
      type: 'Default',
      upstreamService: null,
      quantity: 1000n,
      link,
      params: null,
    },
  ])
  await shop.database.pool.query(
    'update service_order set provider_ref = $2, submit_asked_at = created_at where id = $1',
    [id, `sim-${id}`],
  )
  if (o.delivered !== undefined) {
    // Half-way through a delivery that would end at twice as much.
    await shop.database.pool.query(
      `update simulated_delivery set delivered_in_the_end = $2::bigint * 2,
         started_at = now() - interval '1002 s', ends_at = now() + interval '1000 s'
       where order_id = $1`,
      [id, o.delivered],
    )
  }
  return id
}

test('an order that nobody was given is canceled at once and all refunded', async () => {
  const before = await balanceOf(shop, customer)
  const id = await placeOrderOf(shop, customer)
  assert.deepEqual(await refusedOf([id]), [null])
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.remains, order.refunded], ['canceled', 1000n, 1_000_000n])
  assert.equal(order.idle, true)
  assert.deepEqual(await eventsOf(shop, id), ['order.placed', 'order.canceled'])
  assert.equal(await balanceOf(shop, customer), before)
  assert.deepEqual(await refusedOf([id]), ['order_not_cancelable'])
})

test('an order in delivery gives back what the provider did not deliver', async () => {
  const id = await placeTaken({ delivered: 400n })
  await report(id, { startCount: 17n, remains: 900n })
  assert.deepEqual(await refusedOf([id]), [null])
  const order = await orderFacts(shop, id)
  assert.equal(order.state, 'canceled')
  assert.ok(order.remains >= 590n && order.remains <= 601n, String(order.remains))
  assert.equal(order.refunded, order.remains * 1000n)
  assert.equal(order.start_count, 17n)
  assert.equal(order.lease_worker, null)
})

test('a free order is canceled without a transfer', async () => {
  const id = await placeOrderOf(shop, customer, { chargeMicros: 0n })
  assert.deepEqual(await refusedOf([id]), [null])
  assert.equal((await orderFacts(shop, id)).refunded, 0n)
})

test('bad ids harm no neighbour', async () => {
  const good = await placeOrderOf(shop, customer)
  const ended = await placeOrderOf(shop, customer)
  await report(ended, { state: 'completed' })
  const stubborn = await placeOrderOf(shop, customer, { serviceId: shop.stubbornId })
  const stranger = await newOrderCustomer(shop)
  const foreign = await placeOrderOf(shop, stranger)
  const ids = ['', 'x', '-1', '1e3', '999999999999999999999', 'CR-200001-0001', ended, stubborn]
  const { output } = await cancel([...ids, foreign, good, ` ${good} `])
  assert.deepEqual(
    output.results.map((result) => result.asked),
    [...ids, foreign, good, ` ${good} `].map(String),
  )
  assert.deepEqual(
    output.results.map((result) => result.refused),
    [
      ...ids.slice(0, 6).map(() => 'order_not_found'),
      'order_not_cancelable',
      'order_not_cancelable',
      'order_not_found',
      null,
      null,
    ],
  )
  assert.equal((await orderFacts(shop, foreign)).state, 'pending')
})

test('none and more than a hundred are refused', async () => {
  await assert.rejects(cancel([]), { code: 'invalid_input' })
  const many = Array.from({ length: 101 }, (_, n) => n)
  await assert.rejects(cancel(many.map(String)), { code: 'too_many_ids' })
})

test('a key without write:orders may not cancel', async () => {
  const actor = { ...customer, scopes: ['read:all'] } as const
  await assert.rejects(cancel(['1'], { actor }), { code: 'insufficient_scope' })
})

test('a provider that refuses leaves the order as it was', async () => {
  const id = await placeTaken()
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'refuse', times: 1 })
  assert.deepEqual(await refusedOf([id]), ['order_not_cancelable'])
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.refunded, order.lease_worker], ['pending', 0n, null])
})

test('a provider that fails: the order is left as it was, and the repeat cancels it', async () => {
  const id = await placeTaken()
  const idempotencyKey = `failing-${id}`
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'error', times: 1 })
  await assert.rejects(cancel([id], { idempotencyKey }), { code: 'provider_error' })
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.refunded, order.lease_worker], ['pending', 0n, null])
  assert.deepEqual(await refusedOf([id], { idempotencyKey }), [null])
})

test('a provider that fails for one harms no neighbour', async () => {
  const [taken, fresh] = [await placeTaken(), await placeOrderOf(shop, customer)]
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'error', times: 1 })
  assert.deepEqual(await refusedOf([taken, fresh]), ['provider_error', null])
})

test('a lost answer is found out by asking how things stand', async () => {
  const id = await placeTaken()
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'timeout', times: 1 })
  await assert.rejects(cancel([id]), { code: 'provider_error' })
  const status = (await driver.status([`sim-${id}`])).get(`sim-${id}`)
  assert.equal(status?.kind, 'known')
  assert.equal(await report(id, status), 1)
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.refunded], ['canceled', 1_000_000n])
  assert.deepEqual(await refusedOf([id]), [null], 'the customer who asked hears that it is done')
  assert.deepEqual(await eventsOf(shop, id), ['order.placed', 'order.canceled'])
})

test('an order whose handing over was not answered is asked for again, then canceled', async () => {
  const id = await placeOrderOf(shop, customer)
  await shop.database.pool.query(
    'update service_order set submit_asked_at = created_at where id = $1',
    [id],
  )
  assert.deepEqual(await refusedOf([id]), [null])
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.provider_ref], ['canceled', `sim-${id}`])
  const world = (await driver.status([`sim-${id}`])).get(`sim-${id}`)
  assert.equal(world?.kind === 'known' && world.state, 'canceled')
})

test('an unconfirmed order that its provider stops is nothing to resolve any more', async () => {
  const id = await placeTaken({ delivered: 400n })
  const { pool } = shop.database
  await pool.query(
    `update service_order set provider_ref = null, unconfirmed_at = now() where id = $1`,
    [id],
  )
  await pool.query(
    `insert into notice (kind, subject, created_at, updated_at)
     values ('order.unconfirmed', $1, now(), now())`,
    [`order ${id}`],
  )
  assert.deepEqual(await refusedOf([id]), [null])
  const { rows } = await pool.query(
    `select subject from notice where subject = $1 and closed_at is null`,
    [`order ${id}`],
  )
  assert.deepEqual(rows, [])
})

test('what a provider says of an order that has gone elsewhere cancels nothing', async () => {
  const id = await placeTaken()
  const slow: DeliveryDriver = {
    ...driver,
    async cancel(refs) {
      await shop.database.pool.query(
        `update service_order set provider = 'second', lease_worker = null, lease_until = null
         where id = $1`,
        [id],
      )
      return await driver.cancel(refs)
    },
  }
  await assert.rejects(cancel([id], { driver: slow }), { code: 'provider_error' })
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.refunded], ['pending', 0n])
})

test('repeats under one key have one effect and one answer', async () => {
  const id = await placeTaken({ delivered: 250n })
  const idempotencyKey = `repeat-${id}`
  const effects = await Promise.all(
    Array.from({ length: 12 }, () => cancel([id, 'nobody'], { idempotencyKey })),
  )
  assert.equal(effects.filter((effect) => !effect.replayed).length, 1)
  const texts = new Set(effects.map((effect) => JSON.stringify(effect.output)))
  assert.deepEqual(
    [...texts],
    [
      JSON.stringify({
        results: [
          { asked: String(id), refused: null },
          { asked: 'nobody', refused: 'order_not_found' },
        ],
      }),
    ],
  )
  await assert.rejects(cancel([id], { idempotencyKey }), { code: 'idempotency_key_reused' })
})

test('a key whose cancel had no effect stays free', async () => {
  const id = await placeOrderOf(shop, customer)
  const idempotencyKey = `free-${id}`
  assert.deepEqual(await refusedOf(['nobody'], { idempotencyKey }), ['order_not_found'])
  assert.deepEqual(await refusedOf([id], { idempotencyKey }), [null])
})

test('a hundred cancels while the provider reports partial: one end, one refund', async () => {
  for (const remains of [300n, 1000n]) {
    const id = await placeTaken({ delivered: 400n })
    const before = await balanceOf(shop, customer)
    const cancels = Array.from({ length: 100 }, () => refusedOf([id]))
    const reports = Array.from({ length: 10 }, () => report(id, { state: 'partial', remains }))
    const [answers, changed] = await Promise.all([Promise.all(cancels), Promise.all(reports)])
    const order = await orderFacts(shop, id)
    const canceled = answers.flat().filter((refused) => refused === null).length
    const partial = changed.reduce((sum, n) => sum + n, 0)
    assert.equal(canceled + partial, 1)
    assert.equal(order.state, canceled === 1 ? 'canceled' : 'partial')
    assert.equal(order.refunded, order.remains * 1000n)
    assert.equal(await balanceOf(shop, customer), before + order.refunded)
    assert.equal((await eventsOf(shop, id)).length, 2)
    assert.equal(order.lease_worker, null)
  }
})

test('two who cancel the same orders in another sequence both get an answer', async () => {
  const ids = [await placeTaken(), await placeTaken(), await placeTaken()]
  const [one, other] = await Promise.all([refusedOf(ids), refusedOf(ids.toReversed())])
  const answers = [...one, ...other]
  assert.equal(answers.filter((refused) => refused === null).length, 3)
})

test('operator refunds race with a cancel: never more than the charge', async () => {
  for (let round = 0; round < 5; round++) {
    const id = await placeOrderOf(shop, customer)
    const operator = { kind: 'operator', operatorId: 1n } as const
    const refunds = Array.from({ length: 8 }, () =>
      execute(shop.funnel, refundOrder, {
        actor: operator,
        input: { orderId: id, amountMicros: 300_000n, reason: 'a test' },
        idempotencyKey: null,
      }),
    )
    const settled = await Promise.allSettled([...refunds, cancel([id])])
    for (const result of settled) {
      if (result.status === 'rejected') {
        assert.equal((result.reason as Refusal).code, 'refund_exceeds_charge')
      }
    }
    assert.equal((await orderFacts(shop, id)).refunded, 1_000_000n)
  }
})

test('the operator sets a status while the customer cancels: one end', async () => {
  for (let round = 0; round < 5; round++) {
    const id = await placeTaken()
    const [canceled, set] = await Promise.allSettled([
      refusedOf([id]),
      execute(shop.funnel, setOrderStatus, {
        actor: { kind: 'operator', operatorId: 1n },
        input: { orderId: id, state: 'done', remains: 10n },
        idempotencyKey: null,
      }),
    ])
    const order = await orderFacts(shop, id)
    assert.equal(order.state, set.status === 'fulfilled' ? 'done' : 'canceled')
    assert.equal(canceled.status, 'fulfilled')
    assert.equal(order.refunded, order.state === 'done' ? 0n : 1_000_000n)
  }
})

test('placing, reporting, refunding and canceling at once never lock each other out', async () => {
  const customers = await Promise.all([1, 2, 3, 4].map(() => newOrderCustomer(shop)))
  const owned: { id: bigint; actor: KeyActor }[] = []
  for (const actor of customers) {
    for (let n = 0; n < 15; n++) owned.push({ id: await placeOrderOf(shop, actor), actor })
  }
  const work: Promise<unknown>[] = []
  for (const [n, { id, actor }] of owned.entries()) {
    const near = owned.filter((other) => other.actor === actor).map((other) => other.id)
    work.push(placeOrderOf(shop, actor), cancel([...near.slice(n % 5), id], { actor }))
    const reports = [...owned.slice(n % 7), ...owned.slice(0, n % 7)].map((other) => ({
      orderId: other.id,
      report: { state: n % 2 ? 'partial' : 'in_progress', remains: 1n, startCount: null } as const,
    }))
    work.push(
      execute(shop.funnel, recordProgress, {
        actor: SYSTEM,
        input: { reports: reports.slice(0, 20), lease: null },
        idempotencyKey: null,
      }),
    )
  }
  await Promise.all(work)
  const { rows } = await shop.database.pool.query<{ deadlocks: bigint }>(
    `select pg_stat_force_next_flush(), deadlocks from pg_stat_database
     where datname = current_database()`,
  )
  assert.equal(rows[0]?.deadlocks, 0n)
})
