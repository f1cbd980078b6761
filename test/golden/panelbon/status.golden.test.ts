import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { monthlyName, newCustomer, orderRow, place, setOrder, transfersOf } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '100.00' })
const ORDER = { service: 1, quantity: 1000 }
const UNKNOWN = '{"error":"Incorrect order ID"}'
const INVALID = '{"error":"Invalid parameters"}'

async function statusText(id: bigint, charge: string, status: string): Promise<string> {
  const row = await orderRow(purser, id)
  return JSON.stringify({
    charge,
    start_count: String(row.start_count ?? 0n),
    status,
    remains: String(row.remains),
    currency: 'USD',
  })
}

/** A completed order, by number and name. */
async function settled(): Promise<{ id: bigint; name: string }> {
  const id = await place(customer, ORDER)
  await setOrder(purser, id, { status: 'Completed' })
  return { id, name: await monthlyName(purser, id) }
}

test('status: a new order is Pending, or already In progress', async () => {
  const name = await monthlyName(purser, await place(customer, ORDER))
  assertWire(
    await customer.panelbon({ action: 'status', order: name }),
    200,
    /^\{"charge":"0\.90","start_count":"\d+","status":"(?:Pending","remains":"1000|In progress","remains":"\d{1,4})","currency":"USD"\}$/,
  )
})

const STATUSES: readonly (readonly [
  change: { status: string; remains?: number },
  shown: string,
  charge: string,
  refund: string | null,
])[] = [
  [{ status: 'Completed' }, 'Completed', '0.90', null],
  [{ status: 'Done' }, 'Completed', '0.90', null],
  [{ status: 'Partial', remains: 157 }, 'Partial', '0.7587', '141300'],
  [{ status: 'Canceled', remains: 1000 }, 'Canceled', '0.00', '900000'],
  [{ status: 'Failed' }, 'Canceled', '0.00', '900000'],
]

for (const [change, shown, charge, refund] of STATUSES) {
  test(`status: ${change.status} is shown as ${shown}, charge ${charge}`, async () => {
    const id = await place(customer, ORDER)
    await setOrder(purser, id, change)
    const name = await monthlyName(purser, id)
    const text = await statusText(id, charge, shown)
    assertWire(await customer.panelbon({ action: 'status', order: name }), 200, text)
    assertWire(
      await customer.panelbon({ action: 'status', orders: name }),
      200,
      `{"${name}":${text}}`,
    )
    assert.deepEqual(await transfersOf(purser, id), [
      'order wallet>revenue 900000',
      ...(refund === null ? [] : [`order_refund revenue>wallet ${refund}`]),
    ])
  })
}

test('several orders: the five fields each, or the error, keyed as sent', async () => {
  const first = await settled()
  const second = await settled()
  const expected =
    `{"${second.id}":${await statusText(second.id, '0.90', 'Completed')},` +
    `"${first.name}":${await statusText(first.id, '0.90', 'Completed')},` +
    `"CR-001":${UNKNOWN},"CR-199901-0001":${UNKNOWN}}`
  const orders = `${second.id},${first.name},CR-001,CR-199901-0001`
  assertWire(await customer.panelbon({ action: 'status', orders }), 200, expected)
  assertWire(await customer.panelbon({ action: 'status', order: orders }), 200, expected)
  assertWire(await customer.panelbon({ action: 'multiStatus', orders }), 200, expected)
})

test('status: by number, and in the other panel by name', async () => {
  const { id, name } = await settled()
  const text = await statusText(id, '0.90', 'Completed')
  assertWire(await customer.panelbon({ action: 'status', order: String(id) }), 200, text)
  assertWire(await customer.panelbon({ action: 'status', order: name }), 200, text)
  assertWire(
    await customer.panel({ action: 'status', order: name }),
    200,
    await statusText(id, '0.90000', 'Completed'),
  )
})

test("status: unknown, or another account's: 404", async () => {
  const { id, name } = await settled()
  for (const order of ['CR-001', 'CR-202411-999999', '999999999', 'abc']) {
    assertWire(await customer.panelbon({ action: 'status', order }), 404, UNKNOWN)
  }
  const otherMonth = name.replace(/^CR-\d{6}/, 'CR-199901')
  assertWire(await customer.panelbon({ action: 'status', order: otherMonth }), 404, UNKNOWN)
  const stranger = await newCustomer(purser)
  assertWire(await stranger.panelbon({ action: 'status', order: name }), 404, UNKNOWN)
  assertWire(await stranger.panelbon({ action: 'status', order: String(id) }), 404, UNKNOWN)
  assertWire(
    await stranger.panelbon({ action: 'status', orders: `${id},${name}` }),
    200,
    `{"${id}":${UNKNOWN},"${name}":${UNKNOWN}}`,
  )
})

test('over a hundred ids, or none: 400 Invalid parameters', async () => {
  const ids = Array.from({ length: 101 }, (_, at) => `CR-202411-9${at}`)
  for (const fields of [
    { action: 'status', orders: ids.join(',') },
    { action: 'status', order: ids.join(',') },
    { action: 'status' },
    { action: 'status', order: '' },
    { action: 'status', orders: '' },
  ]) {
    assertWire(await customer.panelbon(fields), 400, INVALID)
  }
  const hundred = ids.slice(1)
  assertWire(
    await customer.panelbon({ action: 'status', orders: hundred.join(',') }),
    200,
    `{${hundred.map((id) => `"${id}":${UNKNOWN}`).join(',')}}`,
  )
})

test('the books balance', () => assertBooksBalance(purser))
