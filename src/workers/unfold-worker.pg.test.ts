import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  balanceOf,
  checkOrderBooks,
  eventsOf,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import type { KeyActor, OperatorActor } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import type { DeliveryDriver, DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import { listOrders, listParts, type OrderView } from '../core/orders/order-views.ts'
import { setOrderStatus } from '../core/orders/set-order-status.ts'
import { unfoldOrder } from '../core/orders/unfold-order.ts'
import { openDatabase } from '../db/database.ts'
import { simulatedDelivery } from '../drivers/delivery/simulated-delivery.ts'
import { setSimulatedFault } from '../drivers/simulated-faults.ts'
import { startUnfoldWorker, unfoldOnce } from './unfold-worker.ts'

const OPERATOR: OperatorActor = { kind: 'operator', operatorId: 1n }
const MINUTE_MS = 60_000
let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let drivers: DeliveryDrivers
let shiftedMs = 0
const log = { warn: () => {}, error: (fields: unknown) => assert.fail(JSON.stringify(fields)) }

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
  drivers = new Map([
    ['simulated', simulatedDelivery({ pool: shop.database.pool, clock: shop.clock })],
  ])
})
afterEach(() => checkOrderBooks(shop))
after(async () => {
  await shop.database.close()
  await place.drop()
})

function timePasses(ms: number): void {
  shiftedMs += ms
  shop.clock.shiftTo(shiftedMs)
}

/** What the worker does in a while, without its pauses. */
async function unfolding(using: Pick<OrderShop, 'funnel' | 'numbers'> = shop): Promise<void> {
  timePasses(31_000)
  const { funnel, numbers } = using
  await unfoldOnce({ funnel, drivers, numbers, log })
}

async function parts(orderId: bigint): Promise<OrderView[]> {
  return await listParts(shop.database.db, { orderId, afterPart: 0, limit: 100 })
}

async function say(
  orderId: bigint,
  state: 'in_progress' | 'completed' | 'partial' | 'failed' | 'canceled',
  remains?: bigint,
): Promise<void> {
  const input = { orderId, state, remains, startCount: 7n }
  await execute(shop.funnel, setOrderStatus, { actor: OPERATOR, input, idempotencyKey: null })
}

/** Has the provider take a part, as the delivery worker would. */
async function handOver(part: OrderView): Promise<void> {
  const { id: orderId, serviceId, quantity, link, params } = part
  const request = { orderId, serviceId, type: 'Default', upstreamService: null } as const
  const answer = await drivers.get('simulated')?.submit([{ ...request, quantity, link, params }])
  assert.equal(answer?.get(orderId)?.kind, 'accepted')
  await shop.database.pool.query(
    `update service_order set provider_ref = 'sim-' || id, submit_asked_at = now() where id = $1`,
    [orderId],
  )
}

/** Three runs of 1000, ten minutes apart, for 3.00. */
async function placeDrip(params: Readonly<Record<string, unknown>> = {}): Promise<bigint> {
  return await placeOrderOf(shop, customer, {
    quantity: BigInt(Number(params.runs ?? 3) * 1_000),
    chargeMicros: 3_000_000n,
    unfolds: true,
    params: { runs: '3', interval: '10', ...params },
  })
}

async function cancel(id: bigint): Promise<string | null> {
  const call = { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null }
  try {
    const { output } = await cancelOrders({ funnel: shop.funnel, drivers }, call)
    return output.results[0]!.refused
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a drip-feed is begun run by run, and completed with the last', async () => {
  const before = await balanceOf(shop, customer)
  const id = await placeDrip({ keywords: ['a'] })
  for (let run = 1; run <= 3; run++) {
    await unfolding()
    assert.equal((await parts(id)).length, run)
    await unfolding()
    assert.equal((await parts(id)).length, run, 'the next is not due')
    const made = (await parts(id)).at(-1)!
    assert.deepEqual(
      [made.part, made.quantity, made.chargeMicros, made.link, made.params],
      [run, 1_000n, 0n, 'https://shop.example', { keywords: ['a'] }],
    )
    await handOver(made)
    await say(made.id, 'in_progress', 400n)
    await unfolding()
    const whole = await orderFacts(shop, id)
    const remains = BigInt(3 - run) * 1_000n + 400n
    assert.deepEqual([whole.state, whole.remains, whole.start_count], ['in_progress', remains, 7n])
    await say(made.id, 'completed')
    timePasses(10 * MINUTE_MS)
  }
  await unfolding()
  const whole = await orderFacts(shop, id)
  assert.deepEqual([whole.state, whole.remains, whole.refunded], ['completed', 0n, 0n])
  assert.deepEqual(await eventsOf(shop, id), [
    'order.placed',
    'order.in_progress',
    'order.completed',
  ])
  const [first] = await parts(id)
  assert.deepEqual(await eventsOf(shop, first!.id), [
    'order_part.placed',
    'order_part.in_progress',
    'order_part.completed',
  ])
  assert.equal(await balanceOf(shop, customer), before - 3_000_000n)
  const seen = await listOrders(shop.database.db, { accountId: customer.accountId, limit: 101 })
  assert.deepEqual(
    seen.map((order) => order.parentId),
    seen.map(() => null),
  )
})

test('runs that were missed do not come all at once', async () => {
  const id = await placeDrip()
  timePasses(60 * MINUTE_MS)
  await unfolding()
  await unfolding()
  assert.equal((await parts(id)).length, 1)
  assert.equal(await cancel(id), null)
})

test('what the runs left undelivered is given back once, when the whole ends', async () => {
  const ends = [
    [['completed', 'partial', 'failed'], 'partial', 1_750n],
    [['failed'], 'failed', 3_000n],
    [['canceled', 'failed', 'canceled'], 'canceled', 3_000n],
  ] as const
  for (const [states, end, remains] of ends) {
    const id = await placeDrip()
    for (const state of states) {
      await unfolding()
      const made = (await parts(id)).at(-1)!
      const left = state === 'partial' ? 750n : state === 'completed' ? undefined : 1_000n
      await say(made.id, state, left)
      timePasses(10 * MINUTE_MS)
    }
    await unfolding()
    const whole = await orderFacts(shop, id)
    assert.deepEqual([whole.state, whole.refunded], [end, remains * 1_000n])
    assert.equal(whole.remains, remains)
  }
})

test('a repeat makes no part twice, and who has lost the order makes none', async () => {
  const id = await placeDrip()
  const numbers: bigint[] = []
  while (numbers.length < 2) numbers.push(shop.numbers.take() ?? 0n)
  const input = { orderId: id, lease: crypto.randomUUID(), mayRefund: false, reading: null }
  const call = { actor: { kind: 'system' } as const, idempotencyKey: null }
  const lost = await execute(shop.funnel, unfoldOrder, { ...call, input: { ...input, numbers } })
  assert.deepEqual(lost.output, { kind: 'unfolded', parts: 0 })
  await shop.database.pool.query(
    'update service_order set lease_worker = $2, lease_until = now() where id = $1',
    [id, input.lease],
  )
  const short = await execute(shop.funnel, unfoldOrder, {
    ...call,
    input: { ...input, numbers: [] },
  })
  assert.deepEqual(short.output, { kind: 'short', numbers: 1, mayRefund: false })
  assert.equal((await parts(id)).length, 0)
  await execute(shop.funnel, unfoldOrder, { ...call, input: { ...input, numbers } })
  await execute(shop.funnel, unfoldOrder, { ...call, input: { ...input, numbers } })
  assert.equal((await parts(id)).length, 1)
  assert.equal(await cancel(id), null)
})

test('workers of several processes share the orders and make each run once', async () => {
  const ids: bigint[] = []
  for (let n = 0; n < 40; n++) ids.push(await placeDrip())
  const other = openDatabase(place.connection)
  const funnels = [shop.funnel, { database: other, clock: shop.clock }]
  const running = [...funnels, ...funnels].map((funnel) =>
    startUnfoldWorker({ funnel, drivers, numbers: shop.numbers, log, busy: () => false }),
  )
  try {
    for (let run = 1; run <= 3; run++) {
      for (const id of ids) {
        while ((await parts(id)).length < run) await pause(20)
      }
      timePasses(11 * MINUTE_MS)
    }
    for (const id of ids) {
      for (const part of await parts(id)) await say(part.id, 'completed')
    }
    timePasses(MINUTE_MS)
    for (const id of ids) {
      while ((await orderFacts(shop, id)).state !== 'completed') await pause(20)
      assert.equal((await parts(id)).length, 3)
    }
  } finally {
    await Promise.all(running.map((worker) => worker.stop()))
    await other.close()
  }
})

test('an order that has no part yet is canceled at once and all refunded', async () => {
  const id = await placeDrip()
  assert.equal(await cancel(id), null)
  const whole = await orderFacts(shop, id)
  assert.deepEqual([whole.state, whole.refunded, whole.idle], ['canceled', 3_000_000n, true])
  assert.equal(await cancel(id), 'order_not_cancelable')
})

test('a cancel stops the run at its provider, and no other follows', async () => {
  const id = await placeDrip()
  await unfolding()
  const [first] = await parts(id)
  assert.equal(await cancel(first!.id), 'order_not_found', 'customers know no parts')
  await handOver(first!)
  // It is under way for longer than any machine takes to stop it.
  await shop.database.pool.query(
    `update simulated_delivery set ends_at = ends_at + interval '1 hour' where order_id = $1`,
    [first!.id],
  )
  timePasses(11_000)
  assert.equal(await cancel(id), null)
  const [part] = await parts(id)
  assert.equal(part?.state, 'canceled')
  const whole = await orderFacts(shop, id)
  assert.ok(part.remains > 0n && part.remains < 1_000n)
  assert.equal(whole.remains, 2_000n + part.remains)
  assert.deepEqual([whole.state, whole.refunded], ['canceled', whole.remains * 1_000n])
})

test('a run that its provider does not stop runs on, and the rest is refunded with its end', async () => {
  const id = await placeDrip()
  await unfolding()
  const [first] = await parts(id)
  await handOver(first!)
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'refuse', times: 1 })
  assert.equal(await cancel(id), null)
  assert.equal((await parts(id))[0]?.state, 'pending')
  await unfolding()
  assert.equal((await orderFacts(shop, id)).state, 'in_progress')
  timePasses(60 * MINUTE_MS)
  await unfolding()
  assert.equal((await parts(id)).length, 1, 'nothing follows')
  await say(first!.id, 'completed')
  await unfolding()
  const whole = await orderFacts(shop, id)
  assert.deepEqual([whole.state, whole.refunded], ['canceled', 2_000_000n])
})

test('where nothing is left to be stopped the provider has the last word', async () => {
  const id = await placeDrip({ runs: '1' })
  await unfolding()
  const [first] = await parts(id)
  await handOver(first!)
  for (const [fault, answer] of [
    ['refuse', 'order_not_cancelable'],
    ['timeout', 'provider_error'],
  ] as const) {
    await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault, times: 1 })
    assert.equal(await cancel(id), answer)
  }
  assert.equal(await cancel(id), null, 'asked again, and it was canceled')
  assert.equal((await orderFacts(shop, id)).state, 'canceled')
})

test('a driver that is not idempotent is not handed an order again to have it canceled', async () => {
  const id = await placeOrderOf(shop, customer)
  await shop.database.pool.query('update service_order set submit_asked_at = now() where id = $1', [
    id,
  ])
  const inner = drivers.get('simulated')!
  const submit: DeliveryDriver['submit'] = () => assert.fail('it was handed over')
  const once = new Map([['simulated', { ...inner, isIdempotent: false, submit }]])
  const call = { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null }
  await assert.rejects(cancelOrders({ funnel: shop.funnel, drivers: once }, call), {
    code: 'provider_error',
  })
  assert.equal(await cancel(id), null)
})
