import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertVerified } from '../../../test/kit/assert-verified.ts'
import {
  checkOrderBooks,
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
import { unfoldOnce } from '../../workers/unfold-worker.ts'
import { type KeyActor, SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import { cancelOrders } from './cancel-orders.ts'
import { claimUntaken } from './claim-deliveries.ts'
import type { DeliveryDrivers } from './delivery-driver.ts'
import { listParts, type OrderView } from './order-views.ts'
import { type ProgressReport, recordProgress } from './record-progress.ts'
import { resolveUnconfirmed } from './resolve-unconfirmed.ts'
import { setOrderStatus } from './set-order-status.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const
const RUN_MS = 10 * 60_000
const log = { warn: () => {}, error: (fields: unknown) => assert.fail(JSON.stringify(fields)) }
let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let drivers: DeliveryDrivers
let shiftedMs = 0

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

/** A drip-feed of three runs of 1000 for 3.00, two of which are begun. */
async function begun(): Promise<{ id: bigint; parts: OrderView[] }> {
  const id = await placeOrderOf(shop, customer, {
    quantity: 3_000n,
    chargeMicros: 3_000_000n,
    unfolds: true,
    params: { runs: '3', interval: '10' },
  })
  for (let run = 1; run <= 2; run++) {
    const { funnel, numbers } = shop
    await unfoldOnce({ funnel, drivers, numbers, log })
    shiftedMs += RUN_MS
    shop.clock.shiftTo(shiftedMs)
  }
  const parts = await listParts(shop.database.db, { orderId: id, afterPart: 0, limit: 9 })
  assert.equal(parts.length, 2)
  return { id, parts }
}

/** Has the provider take a part, as the delivery worker would. */
async function handOver(part: OrderView): Promise<void> {
  const { id: orderId, serviceId, quantity, link, params } = part
  const request = { orderId, serviceId, type: 'Default', upstreamService: null } as const
  await drivers.get('simulated')?.submit([{ ...request, quantity, link, params }])
  await shop.database.pool.query(
    `update service_order set provider_ref = 'sim-' || id, submit_asked_at = now() where id = $1`,
    [orderId],
  )
}

test('a cancel that the provider did not answer leaves its key for the next try', async () => {
  const { id, parts } = await begun()
  await handOver(parts[0]!)
  const cancel = () =>
    cancelOrders(
      { funnel: shop.funnel, drivers },
      { actor: customer, input: { orders: [String(id)] }, idempotencyKey: `cancel-${id}` },
    )
  await setSimulatedFault(shop.database.pool, { operation: 'cancel', fault: 'timeout', times: 1 })
  await assert.rejects(cancel(), { code: 'provider_error' })
  assert.equal((await orderFacts(shop, parts[1]!.id)).state, 'canceled', 'nobody had that one')
  const again = await cancel()
  assert.deepEqual([again.replayed, again.output.results[0]?.refused], [false, null])
  const whole = await orderFacts(shop, id)
  assert.deepEqual([whole.state, whole.refunded], ['canceled', whole.remains * 1_000n])
  assert.deepEqual(await cancel(), { ...again, replayed: true })
})

test('no part of an order that has ended is handed over, though a worker holds it', async () => {
  const { id, parts } = await begun()
  const claim = { limit: 10, provider: 'simulated', askable: false }
  const now = shop.clock.now()
  const held = await claimUntaken(shop.database, { ...claim, now, lease: crypto.randomUUID() })
  assert.deepEqual(held.map((order) => order.orderId).sort(), parts.map((part) => part.id).sort())
  const input = { orderId: id, state: 'canceled' } as const
  await execute(shop.funnel, setOrderStatus, { actor: OPERATOR, input, idempotencyKey: null })
  const states = await Promise.all(parts.map((part) => orderFacts(shop, part.id)))
  assert.deepEqual(
    states.map(({ state, lease_worker }) => [state, lease_worker]),
    parts.map(() => ['canceled', null]),
  )
})

test('a part that its provider has not got after all is canceled where its order has ended', async () => {
  const { id, parts } = await begun()
  const ids = parts.map((part) => part.id)
  const [first, second] = ids as [bigint, bigint]
  const lease = crypto.randomUUID()
  const claim = { now: shop.clock.now(), lease, limit: 2, provider: 'simulated', askable: true }
  assert.equal((await claimUntaken(shop.database, claim)).length, 2)
  const statesOf = async () => {
    const facts = await Promise.all(ids.map((part) => orderFacts(shop, part)))
    return facts.map(({ state }) => state)
  }
  await set(id, 'partial', 1_000n)
  assert.deepEqual(await statesOf(), ['pending', 'pending'], 'its provider may have them')
  await assertVerified(shop.database)
  await record(lease, [
    { orderId: first, report: null, dispatch: { kind: 'waits', certain: true } },
    { orderId: second, report: null, dispatch: { kind: 'waits', certain: false } },
  ])
  assert.deepEqual(await statesOf(), ['canceled', 'pending'])
  await assertVerified(shop.database)
  await shop.database.pool.query('update service_order set look_at = $2 where id = $1', [
    second,
    claim.now,
  ])
  const again = { ...claim, lease: crypto.randomUUID() }
  assert.equal((await claimUntaken(shop.database, again)).length, 1)
  const dispatch = { kind: 'rerouted', to: 'another', refused: true } as const
  await record(again.lease, [{ orderId: second, report: null, dispatch }])
  assert.deepEqual(await statesOf(), ['canceled', 'canceled'])
  assert.equal((await orderFacts(shop, id)).state, 'partial')
  await assertVerified(shop.database)
})

test('a part of which nobody knows is not sent again where its order has ended', async () => {
  const { id, parts } = await begun()
  const orderId = parts[0]!.id
  const lease = crypto.randomUUID()
  const claim = { now: shop.clock.now(), lease, limit: 2, provider: 'simulated', askable: true }
  assert.equal((await claimUntaken(shop.database, claim)).length, 2)
  const dispatch = { kind: 'unconfirmed', reason: 'answer_lost' } as const
  await record(lease, [{ orderId, report: null, dispatch }])
  await set(id, 'failed', 3_000n)
  const resolve = (kind: 'resend' | 'refund') =>
    execute(shop.funnel, resolveUnconfirmed, {
      actor: OPERATOR,
      input: { orderId, resolution: { kind } },
      idempotencyKey: null,
    })
  await assert.rejects(resolve('resend'), { code: 'invalid_state' })
  await resolve('refund')
  assert.equal((await orderFacts(shop, orderId)).state, 'failed')
  await assertVerified(shop.database)
})

async function set(orderId: bigint, state: 'partial' | 'failed', remains: bigint): Promise<void> {
  const call = { actor: OPERATOR, input: { orderId, state, remains }, idempotencyKey: null }
  await execute(shop.funnel, setOrderStatus, call)
}

async function record(lease: string, reports: readonly ProgressReport[]): Promise<void> {
  const call = { actor: SYSTEM, input: { reports, lease }, idempotencyKey: null }
  await execute(shop.funnel, recordProgress, call)
}
