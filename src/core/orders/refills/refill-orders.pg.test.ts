import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { newOrderCustomer, placeOrderOf } from '../../../../test/kit/orders.ts'
import { openRefillDesk, refuses, told } from '../../../../test/kit/refill-desk.ts'
import { setSimulatedOutcome } from '../../../drivers/delivery/simulated-delivery.ts'
import { setSimulatedRefill } from '../../../drivers/delivery/simulated-refills.ts'
import { setSimulatedFault } from '../../../drivers/simulated-faults.ts'
import { SYSTEM } from '../../actor.ts'
import { execute } from '../../execute.ts'
import { cancelOrders } from '../cancel-orders.ts'
import { recordProgress } from '../record-progress.ts'
import { setOrderStatus } from '../set-order-status.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const
const HOUR_MS = 3_600_000
const desk = await openRefillDesk()
after(() => desk.close())
const { shop, customer, driver, timePasses, refill, refillOne, taken, hand, delivered } = desk
const { refillsOf, refillEvents, simulatedRefills, workerLooks } = desk

test('a refill is taken, followed to its end, and asked for again after a while', async () => {
  const order = await delivered()
  const id = await taken(order)
  assert.deepEqual(await refillEvents(order), ['refill.requested'])
  assert.equal(await refillOne(order), 'order_not_refillable')
  // It is under way for longer than any machine takes to look at it.
  await shop.database.pool.query(
    `update simulated_refill set ends_at = ends_at + interval '1 hour' where order_id = $1`,
    [order],
  )
  timePasses(4_000)
  await workerLooks()
  assert.equal((await refillsOf(order))[0]?.state, 'in_progress')
  timePasses(HOUR_MS + 10_000)
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
