import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertError, assertWire } from '../../kit/answer.ts'
import { changed } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  allowRefills,
  deliveredOrders,
  heldRefill,
  reachRefill,
  refillsOf,
} from '../../kit/refill-scene.ts'
import { footprint, injectFault, newCustomer } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
await allowRefills(purser)
const customer = await newCustomer(purser, { credit: '1000.00' })
const ready = await deliveredOrders(purser, customer, 12)

const NO_REFILL = '{"error":"Refill not found"}'
const REFUSED = '{"error":"Order cannot be refilled"}'
const FAILED = '{"error":"The provider returned an error."}'
const FORBIDDEN = '{"error":"This API key is not allowed to do that"}'
const REUSED = '{"error":"Idempotency key was used for another request"}'

function delivered(): bigint {
  const id = ready.pop()
  assert.ok(id !== undefined, 'make more orders ready')
  return id
}

async function refilled(): Promise<string> {
  const answer = await customer.panel({ action: 'refill', order: String(delivered()) })
  assert.equal(answer.status, 200, answer.text)
  return (answer.json as { refill: string }).refill
}

const statusOf = (refill: string) => customer.panel({ action: 'refill_status', refill })

test('refill_status: of one refill, from Pending to its end', async () => {
  const { id, begin } = await heldRefill(purser, refilled)
  assertWire(await statusOf(id), 200, '{"status":"Pending"}')
  await begin()
  assertWire(await statusOf(id), 200, '{"status":"In progress"}')
  await changed(purser, `PUT /drivers/simulated/refills/${id}`, { outcome: 'completed' })
  await reachRefill(purser, id, 'completed')
  assertWire(await statusOf(` ${id} `), 200, '{"status":"Completed"}')
})

test('refill_status: of several, in their places', async () => {
  const [rejected, failed] = [await refilled(), await refilled()]
  const { id: ended } = await heldRefill(purser, refilled)
  await changed(purser, `PUT /drivers/simulated/refills/${rejected}`, { outcome: 'rejected' })
  await changed(purser, `PUT /drivers/simulated/refills/${failed}`, { outcome: 'error' })
  await reachRefill(purser, rejected, 'rejected')
  await reachRefill(purser, failed, 'error')
  await changed(purser, `POST /refills/${ended}/state`, { state: 'completed' })
  const text =
    `[{"refill":${rejected},"status":"Rejected"},{"refill":999999999,"status":${NO_REFILL}},` +
    `{"refill":${failed},"status":"Error"},{"refill":"abc","status":${NO_REFILL}},` +
    `{"refill":${ended},"status":"Completed"}]`
  const list = `${rejected},999999999,${failed},abc, ${ended},${rejected}`
  assertWire(await customer.panel({ action: 'refill_status', refills: list }), 200, text)
  assertWire(await customer.panel({ action: 'refill_status', refill: list }), 200, text)
  assertWire(
    await customer.panel({ action: 'refill_status', refills: failed }),
    200,
    `[{"refill":${failed},"status":"Error"}]`,
  )
})

test("refill_status: unknown, and another account's, which answers alike", async () => {
  const id = await refilled()
  const stranger = await newCustomer(purser)
  const fields = { action: 'refill_status', refill: id }
  assertWire(await stranger.panel(fields), 404, NO_REFILL)
  for (const unknown of ['999999999', '0', 'abc', '99999999999999999999', 'CR-202411-0001']) {
    assertWire(await statusOf(unknown), 404, NO_REFILL)
  }
  assertWire(
    await stranger.panel({ action: 'refill_status', refills: id }),
    200,
    `[{"refill":${id},"status":${NO_REFILL}}]`,
  )
})

test('400: no id, or more than a hundred', async () => {
  const many = Array.from({ length: 101 }, (_, at) => 900_000_000 + at).join(',')
  const hundred = many.split(',').slice(0, 100).join(',')
  for (const [action, one] of [
    ['refill', 'order'],
    ['refill_status', 'refill'],
  ] as const) {
    for (const fields of [{}, { [one]: '' }, { [`${one}s`]: '' }]) {
      assertError(await customer.panel({ action, ...fields }), 400, new RegExp(one))
    }
    assertError(await customer.panel({ action, [`${one}s`]: ',' }), 400, new RegExp(one))
    assertError(await customer.panel({ action, [one]: many }), 400, /100/)
    assertError(await customer.panel({ action, [`${one}s`]: many }), 400, /100/)
    assert.equal((await customer.panel({ action, [`${one}s`]: hundred })).status, 200)
  }
})

test('403: the scope decides', async () => {
  const id = await refilled()
  const order = String(delivered())
  for (const [scopes, read, write] of [
    [['read:billing'], 200, 403],
    [['write:orders'], 200, 200],
    [['write:billing'], 403, 403],
  ] as const) {
    const { key } = await customer.addKey({ scopes })
    const status = await purser.panel({ action: 'refill_status', refill: id }, { key })
    assert.equal(status.status, read)
    if (read === 403) assertWire(status, 403, FORBIDDEN)
    const refill = await purser.panel({ action: 'refill', order }, { key })
    assert.equal(refill.status, write)
    if (write === 403) assertWire(refill, 403, FORBIDDEN)
  }
})

test('a provider that refuses leaves nothing, and the key usable', async () => {
  const order = delivered()
  const before = await footprint(purser, customer.id)
  const key = { 'Idempotency-Key': 'refused' }
  const fields = { action: 'refill', order: String(order) }
  await injectFault(purser, { operation: 'refill', fault: 'refuse', times: 2 })
  assertWire(await customer.panel(fields, key), 400, REFUSED)
  assertWire(
    await customer.panel({ action: 'refill', orders: String(order) }, key),
    200,
    `[{"order":${order},"refill":${REFUSED}}]`,
  )
  assert.deepEqual(await footprint(purser, customer.id), before)
  assert.deepEqual(await refillsOf(purser, order), [])
  const answer = await customer.panel(fields, key)
  assertWire(answer, 200, `{"refill":"${(await refillsOf(purser, order))[0]}"}`)
})

test('a provider that fails is 502; asked again the same refill is told', async () => {
  for (const fault of ['error', 'timeout'] as const) {
    const order = delivered()
    const fields = { action: 'refill', order: String(order) }
    await injectFault(purser, { operation: 'refill', fault, times: 1 })
    assertWire(await customer.panel(fields), 502, FAILED)
    const [id] = await refillsOf(purser, order)
    assertWire(await customer.panel(fields), 200, `{"refill":"${id}"}`)
    assertWire(await customer.panel(fields), 400, REFUSED)
    assert.deepEqual(await refillsOf(purser, order), [id])
  }
})

test('a repeat under a key answers the same bytes, by header and by field', async () => {
  const [first, second] = [delivered(), delivered()]
  const one = { action: 'refill', order: String(first), idempotency_key: 'one' }
  const many = { action: 'refill', orders: `${second},999999999,${first}` }
  const key = { 'Idempotency-Key': 'many' }
  const answers = [await customer.panel(one), await customer.panel(many, key)] as const
  const repeats = [await customer.panel(one), await customer.panel(many, key)] as const
  for (const [at, answer] of answers.entries()) {
    assert.equal(answer.headers.get('idempotent-replayed'), null)
    assertWire(repeats[at]!, 200, answer.text)
    assert.equal(repeats[at]!.headers.get('idempotent-replayed'), 'true')
  }
  assertWire(await customer.panel({ ...one, order: String(second) }), 409, REUSED)
  assertWire(await customer.panel({ ...one, action: 'cancel' }), 409, REUSED)
})

test('the books balance', () => assertBooksBalance(purser))
