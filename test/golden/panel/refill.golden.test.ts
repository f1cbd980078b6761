import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { changed } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { allowRefills, deliveredOrders, reachRefill, refillsOf } from '../../kit/refill-scene.ts'
import { advanceClock, footprint, monthlyName, newCustomer, place } from '../../kit/shop.ts'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await allowRefills(purser)
const customer = await newCustomer(purser, { credit: '1000.00' })
const ready = await deliveredOrders(purser, customer, 12)

const NO_ORDER = '{"error":"Incorrect order ID"}'
const REFUSED = '{"error":"Order cannot be refilled"}'
const DAY_SECONDS = 86_400

function delivered(): bigint {
  const id = ready.pop()
  assert.ok(id !== undefined, 'make more orders ready')
  return id
}

/** The number of an order's only refill. */
async function refillOf(order: bigint): Promise<bigint> {
  const [id, ...others] = await refillsOf(purser, order)
  assert.ok(id !== undefined && others.length === 0)
  return id
}

const refill = (order: bigint | string) =>
  customer.panel({ action: 'refill', order: String(order) })

test('refill: one order answers the number of the refill as text, and costs nothing', async () => {
  const order = delivered()
  const before = await footprint(purser, customer.id)
  const answer = await refill(order)
  assertWire(answer, 200, `{"refill":"${await refillOf(order)}"}`)
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('refill: by the CR- form, and in spaces', async () => {
  const order = delivered()
  const answer = await refill(` ${await monthlyName(purser, order)} `)
  assertWire(answer, 200, `{"refill":"${await refillOf(order)}"}`)
})

test('refill: several orders, each answered in its place with numbers', async () => {
  const [first, second] = [delivered(), delivered()]
  const open = await place(customer, { service: 1, quantity: 1000 })
  const name = await monthlyName(purser, second)
  const answer = await customer.panel({
    action: 'refill',
    orders: `${first},999999999,${name},${open},abc,${first}`,
  })
  assertWire(
    answer,
    200,
    `[{"order":${first},"refill":${await refillOf(first)}},` +
      `{"order":999999999,"refill":${NO_ORDER}},` +
      `{"order":"${name}","refill":${await refillOf(second)}},` +
      `{"order":${open},"refill":${REFUSED}},{"order":"abc","refill":${NO_ORDER}}]`,
  )
})

test('refill: one id in orders answers a list, a list in order too', async () => {
  const [first, second] = [delivered(), delivered()]
  assertWire(
    await customer.panel({ action: 'refill', orders: String(first) }),
    200,
    `[{"order":${first},"refill":${await refillOf(first)}}]`,
  )
  const listed = await customer.panel({ action: 'refill', order: `${second},999999999` })
  assertWire(
    listed,
    200,
    `[{"order":${second},"refill":${await refillOf(second)}},` +
      `{"order":999999999,"refill":${NO_ORDER}}]`,
  )
})

test('refill: an order that is unknown, foreign or not delivered', async () => {
  const order = delivered()
  const stranger = await newCustomer(purser)
  assertWire(await refill('999999999'), 404, NO_ORDER)
  assertWire(await refill('abc'), 404, NO_ORDER)
  assertWire(await stranger.panel({ action: 'refill', order: String(order) }), 404, NO_ORDER)
  assertWire(await refill(await place(customer, { service: 1, quantity: 1000 })), 400, REFUSED)
  assert.deepEqual(await refillsOf(purser, order), [])
})

test('refill: not twice at once, and again a day later, but not after thirty', async () => {
  const order = delivered()
  assertWire(await refill(order), 200, `{"refill":"${await refillOf(order)}"}`)
  assertWire(await refill(order), 400, REFUSED)
  const id = await refillOf(order)
  await changed(purser, `PUT /drivers/simulated/refills/${id}`, { outcome: 'completed' })
  await reachRefill(purser, id, 'completed')
  assertWire(await refill(order), 400, REFUSED)
  await advanceClock(purser, DAY_SECONDS)
  const again = await refill(order)
  const second = (await refillsOf(purser, order)).at(-1) ?? 0n
  assertWire(again, 200, `{"refill":"${second}"}`)
  await changed(purser, `PUT /drivers/simulated/refills/${second}`, { outcome: 'completed' })
  await reachRefill(purser, second, 'completed')
  const late = delivered()
  await advanceClock(purser, 30 * DAY_SECONDS)
  assertWire(await refill(late), 400, REFUSED)
})

test('the books balance', () => assertBooksBalance(purser))
