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
import type { KeyActor } from '../core/actor.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import { claimUntaken } from '../core/orders/claim-deliveries.ts'
import type { DeliveryDriver, DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import { openDatabase } from '../db/database.ts'
import { setSimulatedOutcome, simulatedDelivery } from '../drivers/delivery/simulated-delivery.ts'
import { setSimulatedFault } from '../drivers/simulated-faults.ts'
import type { SimulatedWorld } from '../drivers/simulated-world.ts'
import { startDeliveryWorker } from './delivery-worker.ts'
import type { RunningWorker } from './worker-loop.ts'

let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let world: SimulatedWorld
let drivers: DeliveryDrivers
let shiftedMs = 0
const running: RunningWorker[] = []
const warnings: string[] = []

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
  world = { pool: shop.database.pool, clock: shop.clock }
  drivers = new Map([['simulated', simulatedDelivery(world)]])
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()))
  warnings.length = 0
  await checkOrderBooks(shop)
})
after(async () => {
  await shop.database.close()
  await place.drop()
})

function start(
  o: { drivers?: DeliveryDrivers; database?: OrderShop['database']; busy?: () => boolean } = {},
): void {
  const warn = (_fields: unknown, text?: string) => void warnings.push(text ?? '')
  running.push(
    startDeliveryWorker({
      funnel: { database: o.database ?? shop.database, clock: shop.clock },
      drivers: o.drivers ?? drivers,
      log: { warn, error: warn },
      busy: o.busy ?? (() => false),
      policyOf: () => undefined,
    }),
  )
}

function timePasses(ms: number): void {
  shiftedMs += ms
  shop.clock.shiftTo(shiftedMs)
}

/** Waits, without a bound that could fail on a slow machine, until `ready` says so. */
async function until(ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) await pause(20)
}

async function reach(id: bigint, state: string): Promise<void> {
  await until(async () => (await orderFacts(shop, id)).state === state)
}

/** Has the lease of an order end so long from now. */
async function lapse(id: bigint, after: string): Promise<void> {
  await shop.database.pool.query(
    'update service_order set lease_until = now() + $2::interval where id = $1',
    [id, after],
  )
}

async function handedOver(id: bigint): Promise<void> {
  await until(async () => (await orderFacts(shop, id)).provider_ref !== null)
}

/** Counts what the simulated driver is asked, and lets a test stand in between. */
function watched(o: { beforeSubmit?: () => Promise<void> } = {}) {
  const inner = simulatedDelivery(world)
  const submitted = new Map<bigint, number>()
  const driver: DeliveryDriver = {
    ...inner,
    async submit(orders) {
      for (const { orderId } of orders) submitted.set(orderId, (submitted.get(orderId) ?? 0) + 1)
      await o.beforeSubmit?.()
      return await inner.submit(orders)
    },
  }
  return { drivers: new Map([['simulated', driver]]), submitted }
}

test('an order goes from pending to completed with the clock', async () => {
  const id = await placeOrderOf(shop, customer)
  start()
  await handedOver(id)
  assert.notEqual((await orderFacts(shop, id)).start_count, null)
  // Long enough for any machine to look at it while it is under way.
  await shop.database.pool.query(
    `update simulated_delivery set ends_at = ends_at + interval '1 hour' where order_id = $1`,
    [id],
  )
  timePasses(10 * 60_000)
  await reach(id, 'in_progress')
  const half = await orderFacts(shop, id)
  assert.ok(half.remains > 0n && half.remains < 1000n)
  timePasses(60 * 60_000)
  await reach(id, 'completed')
  assert.deepEqual(await eventsOf(shop, id), [
    'order.placed',
    'order.in_progress',
    'order.completed',
  ])
})

test('an order that ends otherwise gives back what was not delivered', async () => {
  const before = await balanceOf(shop, customer)
  const ends = [
    ['partial', 300_000n],
    ['canceled', 300_000n],
    ['failed', 1_000_000n],
  ] as const
  start()
  for (const [outcome, refunded] of ends) {
    const id = await placeOrderOf(shop, customer)
    await handedOver(id)
    assert.ok(await setSimulatedOutcome(world, id, { outcome, delivered: 700n }))
    timePasses(5_000)
    await reach(id, outcome)
    assert.equal((await orderFacts(shop, id)).refunded, refunded)
  }
  assert.equal(await balanceOf(shop, customer), before - 3_000_000n + 1_600_000n)
})

test('an order that is refused for good fails and is all refunded', async () => {
  await setSimulatedFault(shop.database.pool, { operation: 'submit', fault: 'refuse', times: 1 })
  const id = await placeOrderOf(shop, customer)
  start()
  await reach(id, 'failed')
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.refunded, order.provider_ref], [1_000_000n, null])
})

test('a lost answer and a failure are asked again, and have one effect', async () => {
  for (const fault of ['timeout', 'error'] as const) {
    await setSimulatedFault(shop.database.pool, { operation: 'submit', fault, times: 1 })
    const id = await placeOrderOf(shop, customer)
    const { drivers, submitted } = watched()
    start({ drivers })
    await until(async () => submitted.has(id))
    await until(async () => (await orderFacts(shop, id)).lease_worker === null)
    // The process leaves a provider that failed alone for a second, whatever the clock says.
    while ((await orderFacts(shop, id)).provider_ref === null) {
      timePasses(5_000)
      await pause(50)
    }
    assert.ok((submitted.get(id) ?? 0) >= 2)
    await Promise.all(running.splice(0).map((worker) => worker.stop()))
  }
})

test('many workers share the orders: each is handed over once', async () => {
  const { drivers, submitted } = watched()
  const ids: bigint[] = []
  for (let n = 0; n < 900; n += 100) {
    const orders = Array.from({ length: 100 }, () => placeOrderOf(shop, customer))
    ids.push(...(await Promise.all(orders)))
  }
  const second = openDatabase(place.connection)
  try {
    start({ drivers })
    start({ drivers, database: second })
    start({ drivers, database: second })
    for (const id of ids) await handedOver(id)
    for (const id of ids) assert.equal(submitted.get(id), 1)
    timePasses(60_000)
    for (const id of ids) await reach(id, 'completed')
  } finally {
    await Promise.all(running.splice(0).map((worker) => worker.stop()))
    await second.close()
  }
})

test('the work of a worker that died is taken over once its lease has lapsed', async () => {
  const id = await placeOrderOf(shop, customer)
  const lease = crypto.randomUUID()
  const claim = { lease, limit: 10, provider: 'simulated', askable: true }
  const [taken] = await claimUntaken(shop.database, { now: shop.clock.now(), ...claim })
  assert.equal(taken?.orderId, id)
  // However slow the machine is, it has not lapsed yet.
  await lapse(id, '1 hour')
  start()
  // Due by the clock is not enough: whoever holds the lease may be alive.
  timePasses(60_000)
  await pause(600)
  assert.equal((await orderFacts(shop, id)).provider_ref, null)
  await lapse(id, '-1 s')
  await handedOver(id)
})

test('a lease is for less than thirty seconds', async () => {
  const id = await placeOrderOf(shop, customer)
  const lease = crypto.randomUUID()
  const claim = { lease, limit: 10, provider: 'simulated', askable: false }
  await claimUntaken(shop.database, { now: shop.clock.now(), ...claim })
  const { rows } = await shop.database.pool.query<{ short: boolean }>(
    `select lease_until < now() + interval '28 s' and look_at < $2::timestamptz + interval '28 s'
       as short from service_order where id = $1`,
    [id, shop.clock.now()],
  )
  assert.equal(rows[0]?.short, true)
  await shop.database.pool.query(
    'update service_order set lease_until = null, lease_worker = null, look_at = $2 where id = $1',
    [id, shop.clock.now()],
  )
  assert.equal((await orderFacts(shop, id)).submit_asked_at, null, 'nobody was to be asked')
  start()
  await handedOver(id)
})

test('a cancel while the order is being handed over waits, and then stops the delivery', async () => {
  const id = await placeOrderOf(shop, customer)
  const gate = Promise.withResolvers<void>()
  const { drivers, submitted } = watched({ beforeSubmit: () => gate.promise })
  start({ drivers })
  await until(async () => submitted.get(id) === 1)
  const canceling = cancelOrders(
    { funnel: shop.funnel, drivers },
    { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null },
  )
  await pause(100)
  assert.equal((await orderFacts(shop, id)).state, 'pending')
  gate.resolve()
  assert.deepEqual((await canceling).output.results, [{ asked: String(id), refused: null }])
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.refunded], ['canceled', 1_000_000n])
  const ref = `sim-${id}`
  const status = (await simulatedDelivery(world).status([ref])).get(ref)
  assert.equal(status?.kind === 'known' && status.state, 'canceled')
})

test('a cancel whose answer was lost is found out and refunded', async () => {
  const id = await placeOrderOf(shop, customer)
  start()
  await handedOver(id)
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'timeout', times: 1 })
  const call = { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null }
  const canceling = cancelOrders({ funnel: shop.funnel, drivers }, call)
  await assert.rejects(canceling, { code: 'provider_error' })
  timePasses(5_000)
  await reach(id, 'canceled')
  assert.equal((await orderFacts(shop, id)).refunded, 1_000_000n)
})

test('an order of a provider without a driver waits and harms no neighbour', async () => {
  const odd = await placeOrderOf(shop, customer, { provider: 'nobody' })
  const id = await placeOrderOf(shop, customer)
  start()
  await handedOver(id)
  await until(async () => warnings.includes('no driver delivers these orders'))
  const order = await orderFacts(shop, odd)
  assert.deepEqual([order.state, order.submit_asked_at], ['pending', null])
})

test('a database that goes away for a while is waited for', async () => {
  const flaky = openDatabase(place.connection, { applicationName: 'flaky' })
  const own = new Map([['simulated', simulatedDelivery({ pool: flaky.pool, clock: shop.clock })]])
  // The connections of the test itself stay: it could not say when they are gone.
  const cut = async () => {
    const { rowCount } = await shop.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'flaky'`,
    )
    return rowCount !== 0
  }
  try {
    start({ database: flaky, drivers: own })
    await until(cut)
    const id = await placeOrderOf(shop, customer)
    await handedOver(id)
  } finally {
    await Promise.all(running.splice(0).map((worker) => worker.stop()))
    await flaky.close()
  }
})

test('while customers are waiting one chunk at a time is handed over, all the same', async () => {
  const simulated = drivers.get('simulated') as DeliveryDriver
  let isBusy = false
  let inFlight = 0
  let mostWhileBusy = 0
  const gate = Promise.withResolvers<void>()
  const driver: DeliveryDriver = {
    ...simulated,
    // Chunks are smaller where a repeat would be a second delivery.
    isIdempotent: false,
    async submit(orders) {
      inFlight++
      if (isBusy) mostWhileBusy = Math.max(mostWhileBusy, inFlight)
      await gate.promise
      // Long enough for another, were there one, to come meanwhile.
      if (isBusy) await pause(1_500)
      const answers = await simulated.submit(orders)
      inFlight--
      return answers
    },
  }
  const crowd = await newOrderCustomer(shop)
  const placing = Array.from({ length: 90 }, () => placeOrderOf(shop, crowd))
  const ids = await Promise.all(placing)
  start({ drivers: new Map([['simulated', driver]]), busy: () => isBusy })
  await until(async () => inFlight === 3)
  isBusy = true
  gate.resolve()
  await until(async () => inFlight === 0)
  await until(async () => {
    const { rows } = await shop.database.pool.query(
      'select from service_order where id = any ($1) and provider_ref is null',
      [ids],
    )
    return rows.length === 0
  })
  assert.equal(mostWhileBusy, 1)
})
