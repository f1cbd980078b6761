import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { keepInProgress } from '../../kit/held-delivery.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  footprint,
  injectFault,
  monthlyName,
  newCustomer,
  orderRow,
  place,
  setOrder,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '1000.00' })
const ORDER = { service: 1, quantity: 10_000 }
const UNKNOWN = '"cancel":{"error":"Incorrect order ID"}'
const REFUSED = '"cancel":{"error":"Order cannot be canceled"}'
const INVALID = '{"error":"Invalid parameters"}'

async function newOrder(): Promise<{ id: bigint; name: string }> {
  const id = await place(customer, ORDER)
  return { id, name: await monthlyName(purser, id) }
}

async function assertRefundedShare(id: bigint): Promise<void> {
  const row = await orderRow(purser, id)
  assert.equal(row.state, 'canceled')
  assert.deepEqual(await transfersOf(purser, id), [
    'order wallet>revenue 9000000',
    `order_refund revenue>wallet ${(9_000_000n * row.remains) / 10_000n}`,
  ])
}

test('cancel: success, what cannot be canceled, and the unknown, ids as sent', async () => {
  const first = await newOrder()
  const second = await newOrder()
  const third = await newOrder()
  await setOrder(purser, second.id, { status: 'Completed' })
  assertWire(
    await customer.panelbon({
      action: 'cancel',
      orders: `${first.name},${second.name},CR-001,${third.id},abc`,
    }),
    200,
    `[{"order":"${first.name}","cancel":1},{"order":"${second.name}",${REFUSED}},` +
      `{"order":"CR-001",${UNKNOWN}},{"order":"${third.id}","cancel":1},{"order":"abc",${UNKNOWN}}]`,
  )
  await assertRefundedShare(first.id)
  await assertRefundedShare(third.id)
  assert.deepEqual(await transfersOf(purser, second.id), ['order wallet>revenue 9000000'])
})

test('cancel: one id, in orders or order, answers an array; never twice', async () => {
  for (const field of ['orders', 'order']) {
    const { id, name } = await newOrder()
    const fields = { action: 'cancel', [field]: name }
    assertWire(await customer.panelbon(fields), 200, `[{"order":"${name}","cancel":1}]`)
    await assertRefundedShare(id)
    const settled = await footprint(purser, customer.id)
    assertWire(await customer.panelbon(fields), 200, `[{"order":"${name}",${REFUSED}}]`)
    assert.deepEqual(await footprint(purser, customer.id), settled)
  }
})

test('cancel: a list in order, and a name given twice, each answered once', async () => {
  const [first, second] = [await newOrder(), await newOrder()]
  const fields = { action: 'cancel', order: `${first.name},${second.name},${first.name}` }
  const key = { 'Idempotency-Key': 'cancel-list' }
  const text = `[{"order":"${first.name}","cancel":1},{"order":"${second.name}","cancel":1}]`
  assertWire(await customer.panelbon(fields, key), 200, text)
  await assertRefundedShare(first.id)
  await assertRefundedShare(second.id)
  const settled = await footprint(purser, customer.id)
  const again = await customer.panelbon(fields, key)
  assertWire(again, 200, text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual(await footprint(purser, customer.id), settled)
})

test("cancel: another account's order answers like a missing one", async () => {
  const { id, name } = await newOrder()
  const stranger = await newCustomer(purser)
  assertWire(
    await stranger.panelbon({ action: 'cancel', orders: `${name},${id}` }),
    200,
    `[{"order":"${name}",${UNKNOWN}},{"order":"${id}",${UNKNOWN}}]`,
  )
  assert.notEqual((await orderRow(purser, id)).state, 'canceled')
})

test('cancel: a provider that fails is 502 server error, one that refuses keeps the order', async () => {
  const { id, name } = await newOrder()
  const fields = { action: 'cancel', orders: name }
  await keepInProgress(purser, id)
  await injectFault(purser, { operation: 'cancel', fault: 'error', times: 1 })
  assertWire(await customer.panelbon(fields), 502, '{"error":"server error"}')
  await injectFault(purser, { operation: 'cancel', fault: 'refuse', times: 1 })
  assertWire(await customer.panelbon(fields), 200, `[{"order":"${name}",${REFUSED}}]`)
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 9000000'])
  assertWire(await customer.panelbon(fields), 200, `[{"order":"${name}","cancel":1}]`)
  await assertRefundedShare(id)
})

test('cancel: over a hundred ids, or none: 400 Invalid parameters', async () => {
  const ids = Array.from({ length: 101 }, (_, at) => `CR-202411-9${at}`)
  for (const fields of [
    { action: 'cancel', orders: ids.join(',') },
    { action: 'cancel', order: ids.join(',') },
    { action: 'cancel' },
    { action: 'cancel', orders: '' },
  ]) {
    assertWire(await customer.panelbon(fields), 400, INVALID)
  }
})

test('the books balance', () => assertBooksBalance(purser))
