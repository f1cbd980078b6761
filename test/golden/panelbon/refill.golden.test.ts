import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { changed } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  allowRefills,
  deliveredOrders,
  heldRefill,
  reachRefill,
  refillsOf,
} from '../../kit/refill-scene.ts'
import { injectFault, monthlyName, newCustomer, place } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
await allowRefills(purser)
const customer = await newCustomer(purser, { credit: '1000.00' })
const ready = await deliveredOrders(purser, customer, 8)

const NO_ORDER = '{"error":"Incorrect order ID"}'
const NO_REFILL = '{"error":"Refill not found"}'
const REFUSED = '{"error":"Order cannot be refilled"}'
const FAILED = '{"error":"server error"}'
const INVALID = '{"error":"Invalid parameters"}'

async function delivered(): Promise<{ id: bigint; name: string }> {
  const id = ready.pop()
  assert.ok(id !== undefined, 'make more orders ready')
  return { id, name: await monthlyName(purser, id) }
}

test('refill: one order, by its CR- form', async () => {
  const { id, name } = await delivered()
  const fields = { action: 'refill', order: name }
  const answer = await customer.panelbon(fields)
  assertWire(answer, 200, `{"refill":"${(await refillsOf(purser, id))[0]}"}`)
  assertWire(await customer.panelbon(fields), 400, REFUSED)
})

test('refill: several orders, in either field, one too', async () => {
  const [first, second] = [await delivered(), await delivered()]
  const open = await place(customer, { service: 1, quantity: 1000 })
  const answer = await customer.panelbon({
    action: 'refill',
    orders: `${first.name},CR-001,${second.id},${open}`,
  })
  const [firstRefill] = await refillsOf(purser, first.id)
  const [secondRefill] = await refillsOf(purser, second.id)
  assertWire(
    answer,
    200,
    `[{"order":"${first.name}","refill":${firstRefill}},{"order":"CR-001","refill":${NO_ORDER}},` +
      `{"order":${second.id},"refill":${secondRefill}},{"order":${open},"refill":${REFUSED}}]`,
  )
  assertWire(
    await customer.panelbon({ action: 'refill', orders: first.name }),
    200,
    `[{"order":"${first.name}","refill":${REFUSED}}]`,
  )
  assertWire(
    await customer.panelbon({ action: 'refill', order: `CR-001,${first.name}` }),
    200,
    `[{"order":"CR-001","refill":${NO_ORDER}},{"order":"${first.name}","refill":${REFUSED}}]`,
  )
})

test('refill: what is unknown, not delivered, refused, or failed', async () => {
  const { id, name } = await delivered()
  const fields = { action: 'refill', order: name }
  const stranger = await newCustomer(purser)
  assertWire(await stranger.panelbon(fields), 404, NO_ORDER)
  assertWire(await customer.panelbon({ action: 'refill', order: 'CR-001' }), 404, NO_ORDER)
  await injectFault(purser, { operation: 'refill', fault: 'refuse', times: 1 })
  assertWire(await customer.panelbon(fields), 400, REFUSED)
  await injectFault(purser, { operation: 'refill', fault: 'error', times: 1 })
  assertWire(await customer.panelbon(fields), 502, FAILED)
  const answer = await customer.panelbon(fields)
  assertWire(answer, 200, `{"refill":"${(await refillsOf(purser, id))[0]}"}`)
})

test('refill: a repeat under a key answers the same bytes, in the other panel too', async () => {
  const { id } = await delivered()
  const fields = { action: 'refill', order: String(id) }
  const key = { 'Idempotency-Key': 'refill' }
  const first = await customer.panelbon(fields, key)
  for (const again of [await customer.panelbon(fields, key), await customer.panel(fields, key)]) {
    assertWire(again, 200, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
})

test('refill_status: of one and of several', async () => {
  const { name } = await delivered()
  const held = await heldRefill(purser, async () => {
    const answer = await customer.panelbon({ action: 'refill', order: name })
    return (answer.json as { refill: string }).refill
  })
  const refill = held.id
  const one = { action: 'refill_status', refill }
  assertWire(await customer.panelbon(one), 200, '{"status":"Pending"}')
  await held.begin()
  assertWire(await customer.panelbon(one), 200, '{"status":"In progress"}')
  await changed(purser, `PUT /drivers/simulated/refills/${refill}`, { outcome: 'rejected' })
  await reachRefill(purser, refill, 'rejected')
  assertWire(await customer.panelbon(one), 200, '{"status":"Rejected"}')
  assertWire(
    await customer.panelbon({ action: 'refill_status', refills: `${refill},999999999,x` }),
    200,
    `[{"refill":${refill},"status":"Rejected"},{"refill":999999999,"status":${NO_REFILL}},` +
      `{"refill":"x","status":${NO_REFILL}}]`,
  )
  assertWire(
    await customer.panelbon({ action: 'refill_status', refill: '999999999' }),
    404,
    NO_REFILL,
  )
})

test('400: no id, or more than a hundred', async () => {
  const many = Array.from({ length: 101 }, (_, at) => 900_000_000 + at).join(',')
  for (const fields of [
    { action: 'refill' },
    { action: 'refill', orders: many },
    { action: 'refill', order: many },
    { action: 'refill_status' },
    { action: 'refill_status', refills: many },
    { action: 'refill_status', refill: many },
  ]) {
    assertWire(await customer.panelbon(fields), 400, INVALID)
  }
})

test('the books balance', () => assertBooksBalance(purser))
