import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  checkOrderBooks,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  placeOrderOf,
} from '../../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../../test/kit/postgres.ts'
import { openDatabase } from '../../../db/database.ts'
import {
  setSimulatedOutcome,
  simulatedDelivery,
} from '../../../drivers/delivery/simulated-delivery.ts'
import { setSimulatedRefill } from '../../../drivers/delivery/simulated-refills.ts'
import { setSimulatedFault } from '../../../drivers/simulated-faults.ts'
import { type Actor, type KeyActor, SYSTEM } from '../../actor.ts'
import { execute } from '../../execute.ts'
import { Refusal } from '../../refusal.ts'
import { cancelOrders } from '../cancel-orders.ts'
import type { DeliveryDriver, RefillAnswer, RefillRequest } from '../delivery-driver.ts'
import { recordProgress } from '../record-progress.ts'
import { setOrderStatus } from '../set-order-status.ts'
import { askProvider } from './ask-to-refill.ts'
import { claimRefills, recordRefills } from './follow-refills.ts'
import { type RefillResult, refillOrders } from './refill-orders.ts'
import { setRefillState } from './set-refill-state.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const
const HOUR_MS = 3_600_000
let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let driver: DeliveryDriver
let shiftedMs = 0

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  await shop.database.pool.query('update service set can_refill = true, refill_days = 30')
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

function timePasses(ms: number): void {
  shiftedMs += ms
  shop.clock.shiftTo(shiftedMs)
}

interface Asking {
  readonly actor?: Actor
  readonly idempotencyKey?: string
  readonly driver?: DeliveryDriver
}

async function refill(orders: readonly (string | bigint)[], o: Asking = {}) {
  return await refillOrders(
    { funnel: shop.funnel, drivers: new Map([['simulated', o.driver ?? driver]]) },
    {
      actor: o.actor ?? customer,
      input: { orders: orders.map(String) },
      idempotencyKey: o.idempotencyKey ?? null,
    },
  )
}

/** `12`, or why there is none. */
function told(result: RefillResult | undefined): string | undefined {
  return result?.refused === null ? result.refillId : result?.refused
}

async function refillOne(order: bigint, o: Asking = {}): Promise<string | undefined> {
  return told((await refill([order], o)).output.results[0])
}

async function taken(order: bigint, o: Asking = {}): Promise<bigint> {
  const [result] = (await refill([order], o)).output.results
  assert.equal(result?.refused, null, JSON.stringify(result))
  return BigInt(result.refillId)
}

function refuses(code: string) {
  return (error: unknown): boolean => error instanceof Refusal && error.code === code
}

async function hand(id: bigint): Promise<void> {
  const [serviceId, link] = [shop.serviceId, 'https://shop.example']
  const kind = { type: 'Default', upstreamService: null, params: null } as const
  await driver.submit([{ orderId: id, serviceId, quantity: 1_000n, link, ...kind }])
}

/** An order that its provider has delivered. */
async function delivered(state: 'completed' | 'partial' = 'completed'): Promise<bigint> {
  const id = await placeOrderOf(shop, customer)
  await hand(id)
  const world = { pool: shop.database.pool, clock: shop.clock }
  assert.ok(await setSimulatedOutcome(world, id, { outcome: state, delivered: 600n }))
  const report = { state, remains: state === 'partial' ? 400n : 0n, startCount: null }
  const input = { reports: [{ orderId: id, report, providerRef: `sim-${id}` }], lease: null }
  await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
  return id
}

interface RefillRow {
  readonly id: bigint
  readonly state: string
  readonly answered_at: Date | null
  readonly ended_at: Date | null
}

async function refillsOf(order: bigint): Promise<RefillRow[]> {
  const { rows } = await shop.database.pool.query<RefillRow>(
    'select * from refill where order_id = $1 order by id',
    [order],
  )
  return rows
}

async function refillEvents(order: bigint): Promise<string[]> {
  const { rows } = await shop.database.pool.query<{ kind: string }>(
    `select kind from event where kind like 'refill.%' and data->>'order' = $1
     order by restore_epoch, tx_id, id`,
    [String(order)],
  )
  return rows.map((row) => row.kind)
}

/** How often the provider was made to refill an order. */
async function simulatedRefills(order: bigint): Promise<number> {
  const { rowCount } = await shop.database.pool.query(
    'select from simulated_refill where order_id = $1',
    [order],
  )
  return rowCount ?? 0
}

/** One look of a worker at everything that is due after leases have lapsed. */
async function workerLooks(by: DeliveryDriver = driver): Promise<void> {
  await shop.database.pool.query(
    `update refill_work set lease_until = null, lease_worker = null,
       look_at = least(look_at, $1) where look_at is not null`,
    [shop.clock.now()],
  )
  const lease = randomUUID()
  const claim = { now: shop.clock.now(), lease, limit: 1_000 }
  const works = await claimRefills(shop.database, claim)
  const heard = await askProvider(by, works).catch(() => [])
  const refillIds = works.map((work) => work.refillId)
  const call = { actor: SYSTEM, input: { refillIds, heard, lease }, idempotencyKey: null }
  await execute(shop.funnel, recordRefills, call)
}

test('a refill is taken, followed to its end, and asked for again after a while', async () => {
  const order = await delivered()
  const id = await taken(order)
  assert.deepEqual(await refillEvents(order), ['refill.requested'])
  assert.equal(await refillOne(order), 'order_not_refillable')
  timePasses(4_000)
  await workerLooks()
  assert.equal((await refillsOf(order))[0]?.state, 'in_progress')
  timePasses(10_000)
  await workerLooks()
  const [row] = await refillsOf(order)
  assert.deepEqual([row?.id, row?.state], [id, 'completed'])
  assert.notEqual(row?.ended_at, null)
  const events = ['refill.requested', 'refill.in_progress', 'refill.completed']
  assert.deepEqual(await refillEvents(order), events)
  assert.equal(await refillOne(order), 'order_not_refillable')
  timePasses(24 * HOUR_MS)
  assert.notEqual(await taken(order), id)
})

test('each id is answered in its place', async () => {
  const [first, second] = [await delivered(), await delivered('partial')]
  const open = await placeOrderOf(shop, customer)
  const stranger = await newOrderCustomer(shop)
  const { output } = await refill([first, 'x', '99999999999', open, second, `${second} `])
  const [a, , , , b, same] = output.results.map(told)
  assert.deepEqual(output.results.map(told), [
    a,
    'order_not_found',
    'order_not_found',
    'order_not_refillable',
    b,
    same,
  ])
  assert.equal(b, same)
  assert.deepEqual([(await refillsOf(first)).length, (await refillsOf(second)).length], [1, 1])
  assert.equal(await refillOne(first, { actor: stranger }), 'order_not_found')
})

test('the window, the cool-down and the state decide', async () => {
  const why = async (order: bigint): Promise<string | null | undefined> => {
    const [result] = (await refill([order])).output.results
    assert.equal(result?.refused, 'order_not_refillable')
    return result.detail
  }
  const done = await placeOrderOf(shop, customer)
  const call = { actor: OPERATOR, idempotencyKey: null }
  const ended = { orderId: done, state: 'completed' } as const
  await execute(shop.funnel, setOrderStatus, { ...call, input: ended })
  assert.match((await why(done)) ?? '', /No provider/)
  const late = await delivered()
  timePasses(30 * 24 * HOUR_MS + 1)
  assert.match((await why(late)) ?? '', /30 days/)
  const order = await delivered()
  await shop.database.pool.query('update service set can_refill = false')
  assert.match((await why(order)) ?? '', /no refill/)
  await shop.database.pool.query('update service set can_refill = true')
  const id = await taken(order)
  await setSimulatedRefill({ pool: shop.database.pool, clock: shop.clock }, id, 'rejected')
  await workerLooks()
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  assert.match((await why(order)) ?? '', /24 hours/)
})

test('a key has one effect, and a refusal is not kept', async () => {
  const order = await delivered()
  const idempotencyKey = randomUUID()
  await setSimulatedFault(shop.database.pool, { operation: 'refill', fault: 'refuse', times: 1 })
  assert.equal(await refillOne(order, { idempotencyKey }), 'order_not_refillable')
  assert.deepEqual([await refillsOf(order), await refillEvents(order)], [[], []])
  const first = await refill([order, 'x'], { idempotencyKey })
  assert.equal(first.replayed, false)
  const again = await refill([order, 'x'], { idempotencyKey })
  assert.deepEqual(again, { output: first.output, replayed: true })
  await assert.rejects(refill([order], { idempotencyKey }), refuses('idempotency_key_reused'))
  await assert.rejects(
    cancelOrders(
      { funnel: shop.funnel, drivers: new Map() },
      { actor: customer, input: { orders: [String(order), 'x'] }, idempotencyKey },
    ),
    refuses('idempotency_key_reused'),
  )
  assert.equal(await simulatedRefills(order), 1)
})

test('an answer that is lost is a failure, and the same refill is told when asked again', async () => {
  for (const fault of ['timeout', 'error'] as const) {
    const order = await delivered()
    await setSimulatedFault(shop.database.pool, { operation: 'refill', fault, times: 1 })
    await assert.rejects(refillOne(order), refuses('provider_error'))
    const [kept] = await refillsOf(order)
    assert.deepEqual([kept?.state, kept?.answered_at], ['pending', null])
    assert.deepEqual(await refillEvents(order), [])
    assert.equal(await taken(order), kept?.id)
    assert.equal(await simulatedRefills(order), 1)
  }
})

test('what a worker brought to the provider is told to whoever asks again', async () => {
  const order = await delivered()
  const idempotencyKey = randomUUID()
  await setSimulatedFault(shop.database.pool, { operation: 'refill', fault: 'error', times: 1 })
  await assert.rejects(refillOne(order, { idempotencyKey }), refuses('provider_error'))
  await workerLooks()
  timePasses(20_000)
  await workerLooks()
  const [kept] = await refillsOf(order)
  assert.deepEqual([kept?.state, kept?.answered_at], ['completed', null])
  const first = await refill([order], { idempotencyKey })
  assert.equal(told(first.output.results[0]), String(kept?.id))
  assert.deepEqual((await refill([order], { idempotencyKey })).output, first.output)
  assert.equal(await refillOne(order), 'order_not_refillable')
  assert.deepEqual(await refillEvents(order), ['refill.completed', 'refill.requested'])
  assert.equal(await simulatedRefills(order), 1)
})

test('many at once make one refill of an order', async () => {
  const order = await delivered()
  const answers = await Promise.all(Array.from({ length: 12 }, () => refillOne(order)))
  const refills = await refillsOf(order)
  assert.equal(refills.length, 1)
  assert.deepEqual(
    answers.filter((answer) => answer !== 'order_not_refillable'),
    [String(refills[0]?.id)],
  )
  const other = await delivered()
  const idempotencyKey = randomUUID()
  const same = await Promise.all(
    Array.from({ length: 12 }, () => refill([other, order], { idempotencyKey })),
  )
  assert.equal(same.filter((effect) => !effect.replayed).length, 1)
  for (const effect of same) assert.deepEqual(effect.output, same[0]?.output)
  assert.equal((await refillsOf(other)).length, 1)
  assert.equal(await simulatedRefills(other), 1)
})

test('lists that overlap, in whatever order, neither deadlock nor refill twice', async () => {
  const orders = await Promise.all(Array.from({ length: 6 }, () => delivered()))
  const effects = await Promise.all(
    orders.map((_, at) => refill([...orders.slice(at), ...orders.slice(0, at)])),
  )
  const ids = effects.flatMap(({ output }) => output.results.map(told))
  assert.equal(ids.filter((id) => id !== 'order_not_refillable').length, orders.length)
  for (const order of orders) assert.equal(await simulatedRefills(order), 1)
})

test('refill against cancel: an order is either canceled or refilled', async () => {
  for (let round = 0; round < 4; round++) {
    const id = await placeOrderOf(shop, customer)
    await hand(id)
    const report = { state: 'in_progress', remains: null, startCount: null } as const
    const end = { state: 'completed', remains: 0n, startCount: null } as const
    const record = (said: typeof report | typeof end) => {
      const input = { reports: [{ orderId: id, report: said, providerRef: `sim-${id}` }] }
      const call = { actor: SYSTEM, input: { ...input, lease: null }, idempotencyKey: null }
      return execute(shop.funnel, recordProgress, call)
    }
    await record(report)
    const world = { pool: shop.database.pool, clock: shop.clock }
    await Promise.all([
      setSimulatedOutcome(world, id, { outcome: 'completed', delivered: 1_000n }),
      record(end),
      refillOne(id),
      cancelOrders(
        { funnel: shop.funnel, drivers: new Map([['simulated', driver]]) },
        { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null },
      ).catch((error: unknown) => assert.ok(refuses('provider_error')(error))),
    ])
    const { rows } = await shop.database.pool.query<{ state: string }>(
      'select state from service_order where id = $1',
      [id],
    )
    const refills = await refillsOf(id)
    assert.ok(rows[0]?.state !== 'canceled' || refills.length === 0)
  }
})

/** An order in parts that has ended, of which these parts have been delivered or not. */
async function inParts(states: readonly ('completed' | 'canceled')[]): Promise<bigint> {
  const { pool } = shop.database
  const whole = await delivered()
  await pool.query('update service_order set unfolds = true, provider_ref = null where id = $1', [
    whole,
  ])
  for (const [at, state] of states.entries()) {
    const part = { id: String(whole * 1_000n + BigInt(at)), parent_id: String(whole), part: at + 1 }
    const free = { charge: 0, list_charge: 0, unfolds: false, provider_ref: `sim-${part.id}` }
    await pool.query(
      `insert into service_order
       select (jsonb_populate_record(o, $2::jsonb)).* from service_order o where o.id = $1`,
      [whole, JSON.stringify({ ...part, ...free, state })],
    )
    await hand(BigInt(part.id))
    const end = { outcome: 'completed', delivered: 1_000n } as const
    await setSimulatedOutcome({ pool, clock: shop.clock }, BigInt(part.id), end)
  }
  return whole
}

async function forgetParts(whole: bigint): Promise<void> {
  await shop.database.pool.query('delete from service_order where parent_id = $1', [whole])
}

test('of an order in parts each that was delivered is refilled', async () => {
  const whole = await inParts(['completed', 'canceled', 'completed'])
  assert.equal(await refillOne(whole * 1_000n), 'order_not_found', 'nobody sees a part')
  const id = await taken(whole)
  const works = async () => {
    const { rows } = await shop.database.pool.query<{ order_id: bigint; state: string }>(
      'select order_id, state from refill_work where refill_id = $1 order by order_id',
      [id],
    )
    return rows.map((row) => `${row.order_id - whole * 1_000n} ${row.state}`)
  }
  assert.deepEqual(await works(), ['0 pending', '2 pending'])
  await shop.database.pool.query(
    `update simulated_refill set outcome = 'rejected', ends_at = $2 where order_id = $1`,
    [whole * 1_000n, shop.clock.now()],
  )
  await workerLooks()
  assert.deepEqual(await works(), ['0 rejected', '2 pending'])
  timePasses(20_000)
  await workerLooks()
  assert.deepEqual(await works(), ['0 rejected', '2 completed'])
  assert.equal((await refillsOf(whole))[0]?.state, 'completed')
  await forgetParts(whole)
})

test('more parts than can be asked for at once are left to a worker', async () => {
  const whole = await inParts(Array.from({ length: 203 }, () => 'completed' as const))
  await taken(whole)
  assert.equal(await simulatedRefills(whole * 1_000n + 202n), 0)
  await workerLooks()
  assert.equal(await simulatedRefills(whole * 1_000n + 202n), 1)
  await forgetParts(whole)
})

test('a provider that may have it and refuses it when asked again leaves an error', async () => {
  const order = await delivered()
  let asked = 0
  const forgetful: DeliveryDriver = {
    ...driver,
    isIdempotent: false,
    refill: async (requests: readonly RefillRequest[]) => {
      if (asked++ === 0) throw new Error('the answer was lost')
      return requests.map(() => ({ kind: 'refused', reason: 'There is one already.' }))
    },
  }
  await assert.rejects(refillOne(order, { driver: forgetful }), refuses('provider_error'))
  await workerLooks(forgetful)
  const [row] = await refillsOf(order)
  assert.equal(row?.state, 'error')
  const { rows } = await shop.database.pool.query<{ subject: string }>(
    `select subject from notice where kind = 'refill.error'`,
  )
  assert.deepEqual(rows, [{ subject: `refill ${row?.id}` }])
})

test('a provider that is asked once may refuse, be it idempotent or not', async () => {
  const order = await delivered()
  const answers: RefillAnswer[] = [{ kind: 'later' }, { kind: 'refused', reason: 'No drop.' }]
  const blunt: DeliveryDriver = {
    ...driver,
    isIdempotent: false,
    refill: async (requests: readonly RefillRequest[]) => {
      const [answer = { kind: 'refused', reason: 'No drop.' }] = answers.splice(0, 1)
      return requests.map(() => answer)
    },
  }
  await assert.rejects(refillOne(order, { driver: blunt }), refuses('provider_error'))
  assert.equal(await refillOne(order, { driver: blunt }), 'order_not_refillable', 'not heard of')
  assert.deepEqual([await refillsOf(order), await refillEvents(order)], [[], []])
  assert.equal(await refillOne(order, { driver: blunt }), 'order_not_refillable')
  assert.deepEqual([await refillsOf(order), await refillEvents(order)], [[], []])
})

test('a refill that nobody takes, or that never ends, is given up', async () => {
  const order = await delivered()
  const silent: DeliveryDriver = {
    ...driver,
    refill: () => Promise.reject(new Error('away')),
    refillStatus: async () => new Map(),
  }
  await assert.rejects(refillOne(order, { driver: silent }), refuses('provider_error'))
  await workerLooks(silent)
  assert.equal((await refillsOf(order))[0]?.state, 'pending')
  timePasses(25 * HOUR_MS)
  await workerLooks(silent)
  assert.equal((await refillsOf(order))[0]?.state, 'error')
})

test('the operator ends what nobody follows', async () => {
  const order = await delivered()
  const refillId = await taken(order, { actor: OPERATOR })
  const call = { actor: OPERATOR, idempotencyKey: null }
  const input = { refillId, state: 'rejected' } as const
  await execute(shop.funnel, setRefillState, { ...call, input })
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  timePasses(20_000)
  await workerLooks()
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  await assert.rejects(
    execute(shop.funnel, setRefillState, { ...call, input }),
    refuses('invalid_state'),
  )
})
