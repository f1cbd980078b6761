/** Whatever providers do: an order is delivered once, refunded once, or listed as unconfirmed. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  checkOrderBooks,
  eventsOf,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { type ScriptedProvider, scriptedProvider } from '../../test/kit/scripted-provider.ts'
import type { KeyActor } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import { claimUntaken } from '../core/orders/claim-deliveries.ts'
import { type Resolution, resolveUnconfirmed } from '../core/orders/resolve-unconfirmed.ts'
import { openDatabase } from '../db/database.ts'
import { startDeliveryWorker } from './delivery-worker.ts'
import type { RunningWorker } from './worker-loop.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const

let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let shiftedMs = 0
let services = 0
const running: RunningWorker[] = []

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()))
  await checkOrderBooks(shop)
})
after(async () => {
  await shop.database.close()
  await place.drop()
})

function start(providers: Readonly<Record<string, ScriptedProvider>>) {
  const drivers = new Map(Object.entries(providers).map(([name, { driver }]) => [name, driver]))
  const log = { warn: () => {}, error: () => {} }
  const worker = startDeliveryWorker({
    funnel: shop.funnel,
    drivers,
    log,
    busy: () => false,
    policyOf: (name) =>
      name === 'impatient' ? { whenFailing: 'refund', refundAfterMinutes: 10 } : undefined,
  })
  running.push(worker)
  return { drivers, worker }
}

function timePasses(ms: number): void {
  shiftedMs += ms
  shop.clock.shiftTo(shiftedMs)
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) await pause(20)
}

interface Row {
  readonly state: string
  readonly provider: string
  readonly provider_ref: string | null
  readonly unconfirmed_at: Date | null
  readonly waiting_since: Date | null
  readonly submit_asked_at: Date | null
  readonly refused_by: string[] | null
  readonly lease_worker: string | null
  readonly recheck_at: Date | null
  readonly rechecks: number
  readonly refunded: bigint
}

async function rowOf(id: bigint): Promise<Row> {
  return (await orderFacts(shop, id)) as unknown as Row
}

const unconfirmed = (id: bigint) =>
  until(async () => {
    const row = await rowOf(id)
    return row.unconfirmed_at !== null && row.lease_worker === null
  })
const reach = (id: bigint, state: string) =>
  until(async () => (await orderFacts(shop, id)).state === state)
const handedOver = (id: bigint) =>
  until(async () => (await orderFacts(shop, id)).provider_ref !== null)

/** A service that several providers deliver, in this order. */
async function serviceOf(providers: readonly string[]): Promise<bigint> {
  services++
  const { rows } = await shop.database.pool.query<{ id: bigint }>(
    `with made as (
       insert into service (category_id, name, type, min_quantity, max_quantity, provider,
         created_at, updated_at)
       select 1, 'Chain ' || $1, 'Default', 1, 1000000, ($2::text[])[1], now(), now()
       returning id)
     insert into service_provider (service_id, position, provider)
     select made.id, p.position, p.provider
     from made, unnest($2::text[]) with ordinality as p (provider, position)
     returning service_id as id`,
    [services, [...providers]],
  )
  assert.ok(rows[0])
  return rows[0].id
}

async function notices(kind: string, id: bigint): Promise<number> {
  const { rows } = await shop.database.pool.query<{ n: number }>(
    `select count(*)::integer as n from notice
     where kind = $1 and subject = $2 and closed_at is null`,
    [kind, `order ${id}`],
  )
  return rows[0]?.n ?? 0
}

const resolve = (orderId: bigint, resolution: Resolution) =>
  execute(shop.funnel, resolveUnconfirmed, {
    actor: OPERATOR,
    input: { orderId, resolution },
    idempotencyKey: null,
  })

/** What a process leaves behind that is killed before it has written what it was answered. */
async function dieHandingOver(ids: readonly bigint[], provider: string): Promise<void> {
  const claim = { lease: crypto.randomUUID(), limit: 10, provider, askable: true }
  const taken = await claimUntaken(shop.database, { now: shop.clock.now(), ...claim })
  assert.deepEqual(new Set(taken.map((order) => order.orderId)), new Set(ids))
  await shop.database.pool.query(
    `update service_order set lease_until = now() - interval '1 s', look_at = $2
     where id = any ($1)`,
    [ids, shop.clock.now()],
  )
}

test('who dies handing over leaves it unconfirmed, and nobody hands it over again', async () => {
  const panel = scriptedProvider('panel')
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  await dieHandingOver([id], 'panel')
  start({ panel })
  await unconfirmed(id)
  timePasses(3_600_000)
  await pause(600)
  assert.equal(panel.asked.get(id), undefined)
  assert.deepEqual(
    [(await rowOf(id)).state, await notices('order.unconfirmed', id)],
    ['pending', 1],
  )
  assert.deepEqual(await eventsOf(shop, id), ['order.placed', 'order.unconfirmed'])
})

test('who dies handing over to one that knows orders again has handed it over once', async () => {
  const panel = scriptedProvider('panel', { isIdempotent: true })
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  await dieHandingOver([id], 'panel')
  start({ panel })
  await handedOver(id)
  assert.equal(panel.taken.get(id)?.length, 1)
})

test('a lost answer leaves it unconfirmed; found under its number it goes on', async () => {
  const panel = scriptedProvider('panel')
  panel.script = 'lose'
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  start({ panel })
  await unconfirmed(id)
  assert.deepEqual([panel.asked.get(id), panel.taken.get(id)?.length], [1, 1])
  const [ref = ''] = panel.taken.get(id) ?? []
  await resolve(id, { kind: 'found', providerRef: ref })
  panel.report(ref, { state: 'completed', remains: 0n })
  timePasses(60_000)
  await reach(id, 'completed')
  assert.deepEqual([panel.asked.get(id), await notices('order.unconfirmed', id)], [1, 0])
  await assert.rejects(resolve(id, { kind: 'refund' }), { code: 'invalid_state' })
})

test('an unconfirmed order is sent again, or given back, when the operator says so', async () => {
  const panel = scriptedProvider('panel')
  const [again, back] = [
    await placeOrderOf(shop, customer, { provider: 'panel' }),
    await placeOrderOf(shop, customer, { provider: 'panel' }),
  ]
  await dieHandingOver([again, back], 'panel')
  start({ panel })
  for (const id of [again, back]) await unconfirmed(id)
  const call = { actor: customer, input: { orders: [String(back)] }, idempotencyKey: null }
  const desk = { funnel: shop.funnel, drivers: new Map([['panel', panel.driver]]) }
  await assert.rejects(cancelOrders(desk, call), { code: 'provider_error' })
  await resolve(again, { kind: 'resend' })
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => resolve(back, { kind: 'refund' })))
  assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1)
  await handedOver(again)
  const row = await rowOf(back)
  assert.deepEqual([row.state, row.refunded], ['failed', 1_000_000n])
  assert.deepEqual([panel.asked.get(again), panel.asked.get(back)], [1, undefined])
})

test('who refuses is left for the next; when all have, the order is given back once', async () => {
  const [first, second] = [scriptedProvider('first'), scriptedProvider('second')]
  const serviceId = await serviceOf(['first', 'second'])
  first.script = { kind: 'refused', reason: 'no such service' }
  start({ first, second })
  const taken = await placeOrderOf(shop, customer, { serviceId, provider: 'first' })
  await handedOver(taken)
  const row = await rowOf(taken)
  assert.deepEqual([row.provider, row.refused_by], ['second', ['first']])
  assert.deepEqual(await eventsOf(shop, taken), ['order.placed', 'order.rerouted'])
  second.script = first.script
  const refused = await placeOrderOf(shop, customer, { serviceId, provider: 'first' })
  await reach(refused, 'failed')
  assert.equal((await rowOf(refused)).refunded, 1_000_000n)
  assert.deepEqual([first.asked.get(refused), second.asked.get(refused)], [1, 1])
})

test('who cannot take an order now is waited for, and left for another after a minute', async () => {
  const [first, second] = [scriptedProvider('first'), scriptedProvider('second')]
  const serviceId = await serviceOf(['first', 'second'])
  first.script = { kind: 'later', reason: 'its balance is too low', afterMs: null }
  start({ first, second })
  const id = await placeOrderOf(shop, customer, { serviceId, provider: 'first' })
  let waiting: Row | undefined
  await until(async () => {
    const row = await rowOf(id)
    // As the answer has left it: it is asked again every few seconds.
    if (row.waiting_since !== null && row.lease_worker === null) waiting = row
    return waiting !== undefined
  })
  assert.deepEqual([waiting?.provider, waiting?.submit_asked_at], ['first', null])
  timePasses(61_000)
  await handedOver(id)
  const row = await rowOf(id)
  assert.deepEqual([row.provider, row.waiting_since, row.refused_by], ['second', null, null])
  assert.equal(second.taken.get(id)?.length, 1)
})

test('what waits is certainly not there: a cancel asks nobody', async () => {
  const panel = scriptedProvider('panel')
  panel.script = { kind: 'later', reason: 'busy', afterMs: 60_000 }
  const { drivers } = start({ panel })
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  await until(async () => (await rowOf(id)).waiting_since !== null)
  const call = { actor: customer, input: { orders: [String(id)] }, idempotencyKey: null }
  const canceled = await cancelOrders({ funnel: shop.funnel, drivers }, call)
  assert.deepEqual(canceled.output.results, [{ asked: String(id), refused: null }])
  assert.equal((await rowOf(id)).refunded, 1_000_000n)
})

test('an upstream that is away for too long has its orders given back, if told so', async () => {
  const impatient = scriptedProvider('impatient')
  impatient.script = { kind: 'later', reason: 'away', afterMs: null }
  const [id, lost] = [
    await placeOrderOf(shop, customer, { provider: 'impatient' }),
    await placeOrderOf(shop, customer, { provider: 'impatient' }),
  ]
  await dieHandingOver([id, lost], 'impatient')
  await shop.database.pool.query(
    `update service_order set look_at = $2, lease_worker = null, lease_until = null,
       submit_asked_at = null where id = $1`,
    [id, shop.clock.now()],
  )
  start({ impatient })
  await unconfirmed(lost)
  await until(async () => (await rowOf(id)).waiting_since !== null)
  timePasses(11 * 60_000)
  await reach(id, 'failed')
  assert.deepEqual([(await rowOf(id)).refunded, (await rowOf(lost)).refunded], [1_000_000n, 0n])
})

test('a number that is given out twice is the delivery of the first alone', async () => {
  const panel = scriptedProvider('panel')
  panel.nextRef = 'twice'
  start({ panel })
  const first = await placeOrderOf(shop, customer, { provider: 'panel' })
  await handedOver(first)
  const second = await placeOrderOf(shop, customer, { provider: 'panel' })
  await unconfirmed(second)
  assert.deepEqual(
    [(await rowOf(first)).provider_ref, (await rowOf(second)).provider_ref],
    ['twice', null],
  )
  const found = resolve(second, { kind: 'found', providerRef: 'twice' })
  await assert.rejects(found, { code: 'conflict' })
})

test('a provider that is slow holds up nobody else, nor those who follow its deliveries', async () => {
  const [slow, quick] = [scriptedProvider('slow'), scriptedProvider('quick')]
  const early = await placeOrderOf(shop, customer, { provider: 'slow' })
  const { worker } = start({ slow, quick })
  await handedOver(early)
  slow.script = 'hang'
  const waiting = Array.from({ length: 900 }, () =>
    placeOrderOf(shop, customer, { provider: 'slow', chargeMicros: 1_000n }),
  )
  await Promise.all(waiting)
  await until(async () => worker.figures.inFlight >= 2)
  const id = await placeOrderOf(shop, customer, { provider: 'quick' })
  await handedOver(id)
  slow.report((await rowOf(early)).provider_ref ?? '', { state: 'completed', remains: 0n })
  timePasses(60_000)
  await reach(early, 'completed')
  slow.release()
})

test('deliveries are looked at a hundred at a time, and what they say is written', async () => {
  const panel = scriptedProvider('panel')
  const terms = { provider: 'panel', chargeMicros: 1_000n }
  const ids = await Promise.all(
    Array.from({ length: 450 }, () => placeOrderOf(shop, customer, terms)),
  )
  start({ panel })
  for (const id of ids) await handedOver(id)
  for (const refs of panel.taken.values()) {
    for (const ref of refs) panel.report(ref, { state: 'in_progress', remains: 400n })
  }
  timePasses(60_000)
  for (const id of ids) await reach(id, 'in_progress')
  assert.equal(panel.mostLooked, 100)
})

test('a delivery that is taken back later is for the operator to decide', async () => {
  const panel = scriptedProvider('panel', { revises: true })
  start({ panel })
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  await handedOver(id)
  const ref = (await rowOf(id)).provider_ref ?? ''
  panel.report(ref, { state: 'completed', remains: 0n })
  timePasses(60_000)
  await reach(id, 'completed')
  assert.notEqual((await rowOf(id)).recheck_at, null)
  timePasses(3_600_000)
  await until(async () => (await rowOf(id)).rechecks === 1)
  panel.report(ref, { state: 'partial', remains: 250n })
  timePasses(24 * 3_600_000)
  await until(async () => (await rowOf(id)).rechecks === 2)
  timePasses(3 * 24 * 3_600_000)
  await until(async () => (await rowOf(id)).rechecks === 3)
  const row = await rowOf(id)
  assert.deepEqual([row.state, row.refunded, row.recheck_at], ['completed', 0n, null])
  const { rows } = await shop.database.pool.query(
    'select state, remains, amount from correction where order_id = $1',
    [id],
  )
  assert.deepEqual(rows, [{ state: 'open', remains: 250n, amount: 250_000n }])
})

test('a delivery that its provider has forgotten is not asked about for ever', async () => {
  const panel = scriptedProvider('panel', { revises: true })
  start({ panel })
  const id = await placeOrderOf(shop, customer, { provider: 'panel' })
  await handedOver(id)
  panel.report((await rowOf(id)).provider_ref ?? '', { state: 'completed', remains: 0n })
  timePasses(60_000)
  await reach(id, 'completed')
  await shop.database.pool.query(`update service_order set provider_ref = 'x' where id = $1`, [id])
  timePasses(5 * 24 * 3_600_000)
  await until(async () => (await rowOf(id)).recheck_at === null)
  assert.equal((await rowOf(id)).state, 'completed')
})
