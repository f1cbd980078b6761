import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertError, assertWire } from '../../kit/answer.ts'
import { keepInProgress } from '../../kit/held-delivery.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  footprint,
  injectFault,
  monthlyName,
  newCustomer,
  orderRow,
  panelAmount,
  place,
  setOrder,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '1000.00' })
const ORDER = { service: 1, quantity: 10_000 }
const CHARGE = 9_000_000n
const SUCCESS = '"cancel":{"status":"success"}'
const UNKNOWN = '"error":"Incorrect order ID"'
const REFUSED = '"error":"Order cannot be canceled"'

/** Orders in progress, all made ready at once, that do not end while others are tested. */
const ready = await Promise.all(
  Array.from({ length: 4 }, async () => {
    const id = await place(customer, ORDER)
    await keepInProgress(purser, id)
    return id
  }),
)

function inProgress(): bigint {
  const id = ready.pop()
  assert.ok(id !== undefined, 'make more orders ready')
  return id
}

/** Canceled, and exactly the undelivered share came back, rounded down. */
async function assertCanceled(id: bigint): Promise<void> {
  const row = await orderRow(purser, id)
  const refund = (CHARGE * row.remains) / 10_000n
  assert.equal(row.state, 'canceled')
  assert.equal(row.refunded, refund)
  assert.deepEqual(await transfersOf(purser, id), [
    `order wallet>revenue ${CHARGE}`,
    `order_refund revenue>wallet ${refund}`,
  ])
  assertWire(
    await customer.panel({ action: 'status', order: String(id) }),
    200,
    JSON.stringify({
      charge: panelAmount(CHARGE - refund),
      start_count: String(row.start_count ?? 0n),
      status: 'Canceled',
      remains: String(row.remains),
      currency: 'USD',
    }),
  )
}

test('cancel: an order just placed', async () => {
  const id = await place(customer, ORDER)
  const answer = await customer.panel({ action: 'cancel', orders: String(id) })
  assertWire(answer, 200, `[{"order":${id},${SUCCESS}}]`)
  await assertCanceled(id)
})

test('cancel: an order in progress, and never twice', async () => {
  const id = inProgress()
  const fields = { action: 'cancel', orders: String(id) }
  assertWire(await customer.panel(fields), 200, `[{"order":${id},${SUCCESS}}]`)
  await assertCanceled(id)
  const settled = await footprint(purser, customer.id)
  assertWire(await customer.panel(fields), 200, `[{"order":${id},${REFUSED}}]`)
  assert.deepEqual(await footprint(purser, customer.id), settled)
})

test('cancel: the order field, with one id or a list, answers an array too', async () => {
  const first = await place(customer, ORDER)
  const second = await place(customer, ORDER)
  const third = await place(customer, ORDER)
  assertWire(
    await customer.panel({ action: 'cancel', order: String(first) }),
    200,
    `[{"order":${first},${SUCCESS}}]`,
  )
  assertWire(
    await customer.panel({ action: 'cancel', order: `${second},${third}` }),
    200,
    `[{"order":${second},${SUCCESS}},{"order":${third},${SUCCESS}}]`,
  )
  for (const id of [first, second, third]) await assertCanceled(id)
})

test('cancel: each id is answered in its place, unknown ones too', async () => {
  const first = await place(customer, ORDER)
  const second = await place(customer, ORDER)
  assertWire(
    await customer.panel({ action: 'cancel', orders: `${first},999999999,${second}` }),
    200,
    `[{"order":${first},${SUCCESS}},{"order":999999999,${UNKNOWN}},{"order":${second},${SUCCESS}}]`,
  )
  for (const id of [first, second]) await assertCanceled(id)
  assertWire(
    await customer.panel({ action: 'cancel', order: '999999999' }),
    200,
    `[{"order":999999999,${UNKNOWN}}]`,
  )
})

test('cancel: a number is echoed as a number, anything else as the text sent', async () => {
  const id = await place(customer, ORDER)
  const name = await monthlyName(purser, id)
  assertWire(
    await customer.panel({ action: 'cancel', orders: `${name},abc,CR-001,999999999` }),
    200,
    `[{"order":"${name}",${SUCCESS}},{"order":"abc",${UNKNOWN}},` +
      `{"order":"CR-001",${UNKNOWN}},{"order":999999999,${UNKNOWN}}]`,
  )
  await assertCanceled(id)
})

test('cancel: an order that is named twice is answered and refunded once', async () => {
  const id = await place(customer, ORDER)
  const name = await monthlyName(purser, id)
  assertWire(
    await customer.panel({ action: 'cancel', orders: `${id},${id}, ${id}` }),
    200,
    `[{"order":${id},${SUCCESS}}]`,
  )
  await assertCanceled(id)
  const other = await place(customer, ORDER)
  const otherName = await monthlyName(purser, other)
  assertWire(
    await customer.panel({ action: 'cancel', order: `${other},${otherName},${name}` }),
    200,
    `[{"order":${other},${SUCCESS}},{"order":"${otherName}",${SUCCESS}},{"order":"${name}",${REFUSED}}]`,
  )
  await assertCanceled(other)
})

test('cancel: a repeat under a key answers the same bytes, in either field', async () => {
  for (const field of ['orders', 'order']) {
    const id = await place(customer, ORDER)
    const fields = { action: 'cancel', [field]: `${id},999999999` }
    const first = await customer.panel(fields, { 'Idempotency-Key': `cancel-${field}` })
    assertWire(first, 200, `[{"order":${id},${SUCCESS}},{"order":999999999,${UNKNOWN}}]`)
    const settled = await footprint(purser, customer.id)
    const again = await customer.panel(fields, { 'Idempotency-Key': `cancel-${field}` })
    assertWire(again, 200, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual(await footprint(purser, customer.id), settled)
    await assertCanceled(id)
  }
})

test('cancel: what has ended cannot be canceled', async () => {
  for (const change of [
    { status: 'Completed' },
    { status: 'Done' },
    { status: 'Partial', remains: 100 },
    { status: 'Failed' },
  ]) {
    const id = await place(customer, ORDER)
    await setOrder(purser, id, change)
    const settled = await footprint(purser, customer.id)
    assertWire(
      await customer.panel({ action: 'cancel', orders: String(id) }),
      200,
      `[{"order":${id},${REFUSED}}]`,
    )
    assert.deepEqual(await footprint(purser, customer.id), settled)
  }
})

test("cancel: another account's order answers like a missing one", async () => {
  const id = await place(customer, ORDER)
  const name = await monthlyName(purser, id)
  const stranger = await newCustomer(purser)
  assertWire(
    await stranger.panel({ action: 'cancel', orders: `${id},${name}` }),
    200,
    `[{"order":${id},${UNKNOWN}},{"order":"${name}",${UNKNOWN}}]`,
  )
  assert.deepEqual(await transfersOf(purser, id), [`order wallet>revenue ${CHARGE}`])
})

test('cancel: a provider that refuses keeps the order', async () => {
  const id = inProgress()
  await injectFault(purser, { operation: 'cancel', fault: 'refuse', times: 1 })
  const fields = { action: 'cancel', orders: String(id) }
  assertWire(await customer.panel(fields), 200, `[{"order":${id},${REFUSED}}]`)
  assert.deepEqual(await transfersOf(purser, id), [`order wallet>revenue ${CHARGE}`])
})

test('cancel: a provider that fails is 502; the order goes on and can be canceled later', async () => {
  const id = inProgress()
  await injectFault(purser, { operation: 'cancel', fault: 'error', times: 1 })
  const fields = { action: 'cancel', orders: String(id) }
  assertError(await customer.panel(fields), 502)
  assert.equal((await orderRow(purser, id)).state, 'in_progress')
  assert.deepEqual(await transfersOf(purser, id), [`order wallet>revenue ${CHARGE}`])
  assertWire(await customer.panel(fields), 200, `[{"order":${id},${SUCCESS}}]`)
  await assertCanceled(id)
})

test('cancel: a lost answer is 502; asked again, the truth comes out, refunded once', async () => {
  const id = inProgress()
  await injectFault(purser, { operation: 'cancel', fault: 'timeout', times: 1 })
  const fields = { action: 'cancel', orders: String(id) }
  assertError(await customer.panel(fields), 502)
  assertWire(await customer.panel(fields), 200, `[{"order":${id},${SUCCESS}}]`)
  await assertCanceled(id)
})

test('cancel: a hundred ids are answered, one more is 400 and cancels none', async () => {
  const ids = Array.from({ length: 99 }, (_, at) => 900_000_000 + at)
  const id = await place(customer, ORDER)
  const more = [id, ...ids, 900_000_100].join(',')
  assertError(await customer.panel({ action: 'cancel', orders: more }), 400, /100/)
  assertError(await customer.panel({ action: 'cancel', order: more }), 400, /100/)
  assert.notEqual((await orderRow(purser, id)).state, 'canceled')
  assertWire(
    await customer.panel({ action: 'cancel', orders: [id, ...ids].join(',') }),
    200,
    `[{"order":${id},${SUCCESS}},${ids.map((other) => `{"order":${other},${UNKNOWN}}`).join(',')}]`,
  )
  await assertCanceled(id)
})

test('cancel: no id at all is 400', async () => {
  for (const fields of [
    { action: 'cancel' },
    { action: 'cancel', orders: '' },
    { action: 'cancel', order: '' },
    { action: 'cancel', orders: ',' },
  ]) {
    assertError(await customer.panel(fields), 400, /order/)
  }
})

test('the books balance', () => assertBooksBalance(purser))
