import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertError, assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  type Customer,
  footprint,
  monthlyName,
  newCustomer,
  orderNumber,
  place,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const ADD = { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 }
const REUSED = '{"error":"Idempotency key was used for another request"}'
type Way = (customer: Customer, fields: Fields, key: string) => Promise<Answer>

const byHeader: Way = (customer, fields, key) => customer.panel(fields, { 'Idempotency-Key': key })
const byField: Way = (customer, fields, key) => customer.panel({ ...fields, idempotency_key: key })
const bonByHeader: Way = (customer, fields, key) =>
  customer.panelbon(fields, { 'Idempotency-Key': key })
const bonByField: Way = (customer, fields, key) =>
  customer.panelbon({ ...fields, idempotency_key: key })

function assertReplay(first: Answer, again: Answer): void {
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assertWire(again, first.status, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
}

const WAYS: Readonly<Record<string, Way>> = { byHeader, byField, bonByHeader, bonByField }

for (const [name, send] of Object.entries(WAYS)) {
  test(`${name}: a repeat of add answers the same bytes and places nothing`, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const first = await send(customer, ADD, 'key-1')
    const id = orderNumber(first)
    const placed = await footprint(purser, customer.id)
    for (let repeat = 0; repeat < 3; repeat++)
      assertReplay(first, await send(customer, ADD, 'key-1'))
    assert.deepEqual(await footprint(purser, customer.id), placed)
    assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 900000'])
    const other = await send(customer, ADD, 'key-2')
    assert.notEqual(orderNumber(other), id)
    assert.equal(other.headers.get('idempotent-replayed'), null)
  })

  test(`${name}: another input under the key is 409 and places nothing`, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const first = await send(customer, ADD, 'key-1')
    const placed = await footprint(purser, customer.id)
    for (const change of [{ quantity: 1001 }, { link: 'https://other.example' }, { service: 2 }]) {
      const fields = { ...ADD, ...change, ...(change.service ? { keywords: 'one' } : {}) }
      assertWire(await send(customer, fields, 'key-1'), 409, REUSED)
    }
    assert.deepEqual(await footprint(purser, customer.id), placed)
    assertReplay(first, await send(customer, ADD, 'key-1'))
  })

  test(`${name}: a refusal leaves the key usable`, async () => {
    const customer = await newCustomer(purser)
    const refused = await send(customer, ADD, 'key-1')
    assert.ok(refused.status === 402 || refused.status === 400, refused.text)
    await customer.credit('10.00')
    const first = await send(customer, ADD, 'key-1')
    assert.equal(first.headers.get('idempotent-replayed'), null)
    const id = orderNumber(first)
    assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 900000'])
    assertReplay(first, await send(customer, ADD, 'key-1'))
  })

  test(`${name}: a repeat of cancel answers the same bytes and refunds nothing more`, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const id = await place(customer, ADD)
    const fields = { action: 'cancel', orders: `${id},999999999` }
    const first = await send(customer, fields, 'cancel-1')
    assert.equal(first.status, 200)
    const transfers = await transfersOf(purser, id)
    assert.equal(transfers.length, 2)
    assertReplay(first, await send(customer, fields, 'cancel-1'))
    assert.deepEqual(await transfersOf(purser, id), transfers)
    assertWire(
      await send(customer, { action: 'cancel', orders: '999999999' }, 'cancel-1'),
      409,
      REUSED,
    )
    assertWire(await send(customer, ADD, 'cancel-1'), 409, REUSED)
  })
}

test('header and field are one key; the order of the fields does not matter', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const first = await byHeader(customer, ADD, 'key-1')
  assertReplay(first, await byField(customer, ADD, 'key-1'))
  const reversed = Object.fromEntries(Object.entries(ADD).reverse())
  assertReplay(first, await byHeader(customer, reversed, 'key-1'))
})

test('the key belongs to the account: all its API keys share it, nobody else', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const first = await byHeader(customer, ADD, 'key-1')
  const { key } = await customer.addKey({})
  assertReplay(first, await purser.panel(ADD, { key, headers: { 'Idempotency-Key': 'key-1' } }))
  const stranger = await newCustomer(purser, { credit: '10.00' })
  const theirs = await byHeader(stranger, ADD, 'key-1')
  assert.equal(theirs.headers.get('idempotent-replayed'), null)
  assert.notEqual(orderNumber(theirs), orderNumber(first))
})

test('a key used in one panel is replayed in the other, in its own words', async () => {
  const customer = await newCustomer(purser, { credit: '10.00', terms: { discount_percent: 10 } })
  const first = await byHeader(customer, ADD, 'key-1')
  const id = orderNumber(first)
  const name = await monthlyName(purser, id)
  const placed = await footprint(purser, customer.id)
  const bon = await bonByField(customer, ADD, 'key-1')
  assertWire(
    bon,
    200,
    `{"order":"${name}","original_price":"0.90","discount":"0.09","final_price":"0.81"}`,
  )
  assert.equal(bon.headers.get('idempotent-replayed'), 'true')
  assertWire(await bonByHeader(customer, { ...ADD, quantity: 999 }, 'key-1'), 409, REUSED)

  const second = await bonByHeader(customer, ADD, 'key-2')
  const panel = await byHeader(customer, ADD, 'key-2')
  assertWire(panel, 200, `{"order":${orderNumber(second)}}`)
  assert.equal(panel.headers.get('idempotent-replayed'), 'true')

  const canceled = await byHeader(customer, { action: 'cancel', orders: String(id) }, 'cancel-1')
  assertWire(canceled, 200, `[{"order":${id},"cancel":{"status":"success"}}]`)
  const again = await bonByHeader(customer, { action: 'cancel', orders: String(id) }, 'cancel-1')
  assertWire(again, 200, `[{"order":"${id}","cancel":1}]`)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.notDeepEqual(await footprint(purser, customer.id), placed)
})

test('what was bought stays bought: without money, and when the service is gone', async () => {
  const customer = await newCustomer(purser, { credit: '0.90' })
  const first = await byHeader(customer, ADD, 'key-1')
  assertReplay(first, await byHeader(customer, ADD, 'key-1'))
  const paused = await purser.admin('PATCH', '/services/1', { state: 'paused' })
  assert.equal(paused.status, 200, paused.text)
  assertReplay(first, await byHeader(customer, ADD, 'key-1'))
  assertWire(await byHeader(customer, { ...ADD, quantity: 50 }, 'key-1'), 409, REUSED)
  const active = await purser.admin('PATCH', '/services/1', { state: 'active' })
  assert.equal(active.status, 200, active.text)
})

test('parallel repeats have one effect and equal bytes', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => byHeader(customer, ADD, 'key-1')),
  )
  assert.deepEqual(
    answers.map((answer) => answer.text),
    answers.map(() => answers[0]!.text),
  )
  const fresh = answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)
  assert.equal(fresh.length, 1)
  const { rows } = await purser.pool.query('select id from service_order where account_id = $1', [
    customer.id,
  ])
  assert.equal(rows.length, 1)
})

test('a key that is not 1 to 255 printable characters is 400', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const before = await footprint(purser, customer.id)
  assertError(await byField(customer, ADD, 'k'.repeat(256)), 400)
  assertError(await byField(customer, ADD, 'k\u00e9y'), 400)
  assertError(await byHeader(customer, ADD, 'k'.repeat(256)), 400)
  assert.deepEqual(await footprint(purser, customer.id), before)
  orderNumber(await byField(customer, ADD, 'k'.repeat(255)))
})

test('reads take no key: they are answered afresh', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  await byHeader(customer, { action: 'balance' }, 'key-1')
  await place(customer, ADD)
  const again = await byHeader(customer, { action: 'balance' }, 'key-1')
  assertWire(again, 200, '{"balance":"9.10000","currency":"USD"}')
  assert.equal(again.headers.get('idempotent-replayed'), null)
})

test('the books balance', () => assertBooksBalance(purser))
