import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertError, assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  advanceClock,
  monthlyName,
  newCustomer,
  orderRow,
  place,
  reach,
  setOrder,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '100.00' })
const ORDER = { service: 1, quantity: 1000 }
const UNKNOWN = '{"error":"Incorrect order ID"}'

/** The answer for an order of 1000 at 0.90, by its row. */
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

/** An order that nothing will happen to any more: completed, 0.90 charged. */
async function settled(): Promise<bigint> {
  const id = await place(customer, ORDER)
  await setOrder(purser, id, { status: 'Completed' })
  return id
}

test('status: a new order is Pending, or already In progress', async () => {
  const id = await place(customer, ORDER)
  assertWire(
    await customer.panel({ action: 'status', order: String(id) }),
    200,
    /^\{"charge":"0\.90000","start_count":"\d+","status":"(?:Pending","remains":"1000|In progress","remains":"\d{1,4})","currency":"USD"\}$/,
  )
})

test('status: delivery moves start_count, status and remains', async () => {
  const id = await place(customer, { service: 1, quantity: 50 })
  const started = await reach(purser, id, 'in_progress')
  assert.notEqual(started.start_count, null)
  assertWire(
    await customer.panel({ action: 'status', order: String(id) }),
    200,
    new RegExp(
      `^{"charge":"0\\.04500","start_count":"${started.start_count}","status":"(In progress|Completed)","remains":"\\d+","currency":"USD"}$`,
    ),
  )
  await advanceClock(purser, 60)
  await reach(purser, id, 'completed')
  assertWire(
    await customer.panel({ action: 'status', order: String(id) }),
    200,
    `{"charge":"0.04500","start_count":"${started.start_count}","status":"Completed","remains":"0","currency":"USD"}`,
  )
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 45000'])
})

const REFUNDS: readonly (readonly [
  change: { status: string; remains?: number },
  charge: string,
  refund: string | null,
])[] = [
  [{ status: 'Partial', remains: 157 }, '0.75870', '141300'],
  [{ status: 'Completed' }, '0.90000', null],
  [{ status: 'Done' }, '0.90000', null],
  [{ status: 'Canceled', remains: 1000 }, '0.00000', '900000'],
  [{ status: 'Canceled', remains: 1 }, '0.89910', '900'],
  [{ status: 'Failed' }, '0.00000', '900000'],
]

for (const [change, charge, refund] of REFUNDS) {
  test(`status: ${change.status}, ${change.remains ?? 'as it stands'}: charge ${charge}`, async () => {
    const id = await place(customer, ORDER)
    await setOrder(purser, id, change)
    assertWire(
      await customer.panel({ action: 'status', order: String(id) }),
      200,
      await statusText(id, charge, change.status),
    )
    assert.deepEqual(await transfersOf(purser, id), [
      'order wallet>revenue 900000',
      ...(refund === null ? [] : [`order_refund revenue>wallet ${refund}`]),
    ])
    const { remains } = await orderRow(purser, id)
    if (change.remains !== undefined) assert.equal(remains, BigInt(change.remains))
    if (change.status === 'Completed') assert.equal(remains, 0n)
  })
}

test('status: an order goes by its number and by its CR name', async () => {
  const id = await settled()
  const name = await monthlyName(purser, id)
  const byNumber = await customer.panel({ action: 'status', order: String(id) })
  const byName = await customer.panel({ action: 'status', order: name })
  assert.equal(byName.text, byNumber.text)
  assertWire(byName, 200, await statusText(id, '0.90000', 'Completed'))
  const otherMonth = name.replace(/^CR-\d{6}/, 'CR-199901')
  assertWire(await customer.panel({ action: 'status', order: otherMonth }), 404, UNKNOWN)
})

test('status: an unknown order is 404', async () => {
  for (const order of ['999999999', '0', '-1', 'abc', 'CR-001', '99999999999999999999', '1e3']) {
    assertWire(await customer.panel({ action: 'status', order }), 404, UNKNOWN)
  }
})

test("status: another account's order answers like a missing one", async () => {
  const id = await settled()
  const stranger = await newCustomer(purser)
  const name = await monthlyName(purser, id)
  assertWire(await stranger.panel({ action: 'status', order: String(id) }), 404, UNKNOWN)
  assertWire(await stranger.panel({ action: 'status', order: name }), 404, UNKNOWN)
  assertWire(
    await stranger.panel({ action: 'multiStatus', orders: `${id},${name}` }),
    200,
    `{"${id}":${UNKNOWN},"${name}":${UNKNOWN}}`,
  )
})

test('multiStatus and status with orders: an object keyed by id as sent', async () => {
  const first = await settled()
  const second = await settled()
  const name = await monthlyName(purser, second)
  const orders = `${first},999999999,${name},abc`
  const expected =
    `{"${first}":${await statusText(first, '0.90000', 'Completed')},` +
    `"999999999":${UNKNOWN},` +
    `"${name}":${await statusText(second, '0.90000', 'Completed')},"abc":${UNKNOWN}}`
  assertWire(await customer.panel({ action: 'multiStatus', orders }), 200, expected)
  assertWire(await customer.panel({ action: 'status', orders }), 200, expected)
  assertWire(await customer.panel({ action: 'status', order: orders }), 200, expected)
  assertWire(await customer.panel({ action: 'multiStatus', order: orders }), 200, expected)
})

test('one id in orders still answers the many form, one id in order the single', async () => {
  const id = await settled()
  const single = await statusText(id, '0.90000', 'Completed')
  const many = `{"${id}":${single}}`
  assertWire(await customer.panel({ action: 'multiStatus', orders: String(id) }), 200, many)
  assertWire(await customer.panel({ action: 'status', orders: String(id) }), 200, many)
  assertWire(await customer.panel({ action: 'status', order: String(id) }), 200, single)
})

test('many: spaces around the commas do no harm', async () => {
  const first = await settled()
  const second = await settled()
  const answer = await customer.panel({ action: 'multiStatus', orders: ` ${first}, ${second} ` })
  assert.deepEqual(Object.keys(answer.json as object), [String(first), String(second)])
  for (const entry of Object.values(answer.json as Record<string, { status?: string }>)) {
    assert.equal(entry.status, 'Completed')
  }
})

test('many: a hundred ids are answered, one more is 400', async () => {
  const ids = Array.from({ length: 100 }, (_, at) => 900_000_000 + at)
  const expected = `{${ids.map((id) => `"${id}":${UNKNOWN}`).join(',')}}`
  const more = [...ids, 900_000_100].join(',')
  assertWire(await customer.panel({ action: 'multiStatus', orders: ids.join(',') }), 200, expected)
  assertWire(await customer.panel({ action: 'status', orders: ids.join(',') }), 200, expected)
  for (const fields of [
    { action: 'multiStatus', orders: more },
    { action: 'status', orders: more },
    { action: 'status', order: more },
  ]) {
    assertError(await customer.panel(fields), 400, /100/)
  }
})

test('no id at all is 400', async () => {
  for (const fields of [
    { action: 'status' },
    { action: 'status', order: '' },
    { action: 'status', orders: '' },
    { action: 'multiStatus' },
    { action: 'multiStatus', orders: ' , ' },
  ]) {
    assertError(await customer.panel(fields), 400, /order/)
  }
})

test('the books balance', () => assertBooksBalance(purser))
