import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire } from '../../kit/answer.ts'
import { keepInProgress } from '../../kit/held-delivery.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  disableKey,
  footprint,
  injectFault,
  newCustomer,
  place,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const ADD = { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 }
const ACTIONS: readonly Fields[] = [
  { action: 'balance' },
  { action: 'services' },
  ADD,
  { action: 'status', order: 'CR-202411-0001' },
  { action: 'status', orders: 'CR-001,CR-002' },
  { action: 'cancel', orders: 'CR-001,CR-002' },
  { action: 'no_such_action' },
  {},
]
const INVALID_KEY = '{"error":"Invalid API key"}'
const INVALID = '{"error":"Invalid parameters"}'
const FORBIDDEN = '{"error":"This API key is not allowed to do that"}'
const NO_SERVICE = '{"error":"Incorrect service ID"}'
const NO_ORDER = '{"error":"Incorrect order ID"}'
const NO_MONEY = '{"error":"Insufficient balance"}'
const REUSED = '{"error":"Idempotency key was used for another request"}'

test('401: a missing, empty, wrong or operator key, whatever is asked', async () => {
  for (const key of [null, '', 'wrong', purser.demo.operator.api_key]) {
    for (const fields of ACTIONS) {
      assertWire(await purser.panelbon(fields, { key }), 401, INVALID_KEY)
    }
  }
})

test('401: a disabled key, on every request', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const { id, key } = await customer.addKey({ legacy_errors: true })
  assert.equal((await purser.panelbon({ action: 'balance' }, { key })).status, 200)
  await disableKey(purser, id)
  for (const fields of ACTIONS) {
    assertWire(await purser.panelbon(fields, { key }), 401, INVALID_KEY)
  }
})

test('400 Invalid parameters: no action, or one that does not exist', async () => {
  assertWire(await purser.panelbon({}), 400, INVALID)
  for (const action of ['', 'no_such_action', '__proto__', 'constructor', 'toString']) {
    assertWire(await purser.panelbon({ action }), 400, INVALID)
  }
})

test('400 Insufficient balance: nothing happens', async () => {
  const customer = await newCustomer(purser, { credit: '0.899999' })
  const before = await footprint(purser, customer.id)
  assertWire(await customer.panelbon(ADD), 400, NO_MONEY)
  assert.deepEqual(await footprint(purser, customer.id), before)
  await customer.credit('0.000001')
  const id = await place(customer, ADD)
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 900000'])
})

test('404: an unknown service', async () => {
  for (const service of ['999999', '0', '9223372036854775807', '99999999999999999999']) {
    assertWire(await purser.panelbon({ ...ADD, service }), 404, NO_SERVICE)
  }
})

test('403: the scope decides, as in the panel dialect', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const reader = await customer.addKey({ scopes: ['read:billing'] })
  const writer = await customer.addKey({ scopes: ['write:orders'] })
  const other = await customer.addKey({ scopes: ['read:vm', 'write:vm'] })
  const send = (key: string, fields: Fields): Promise<Answer> => purser.panelbon(fields, { key })
  for (const fields of [{ action: 'balance' }, { action: 'services' }]) {
    assert.equal((await send(reader.key, fields)).status, 200)
    assert.equal((await send(writer.key, fields)).status, 200)
    assertWire(await send(other.key, fields), 403, FORBIDDEN)
  }
  for (const fields of [ADD, { action: 'cancel', orders: 'CR-001' }, { action: 'add' }]) {
    assertWire(await send(reader.key, fields), 403, FORBIDDEN)
    assertWire(await send(other.key, fields), 403, FORBIDDEN)
  }
  assert.equal((await send(writer.key, ADD)).status, 200)
})

test('the order of checks: key, action, scope, shape, object, money', async () => {
  const poor = await newCustomer(purser, { terms: { scopes: ['read:all'] } })
  const { key } = await poor.addKey({})
  const send = (fields: Fields): Promise<Answer> => purser.panelbon(fields, { key })
  assertWire(await purser.panelbon({ action: 'nothing' }, { key: 'wrong' }), 401, INVALID_KEY)
  assertWire(await poor.panelbon({ action: 'nothing' }), 400, INVALID)
  assertWire(await poor.panelbon({ action: 'add' }), 403, FORBIDDEN)
  assertWire(await send({ ...ADD, service: '999999', quantity: 'many' }), 400, INVALID)
  assertWire(await send({ ...ADD, quantity: 49 }), 400, INVALID)
  assertWire(await send({ ...ADD, service: '999999' }), 404, NO_SERVICE)
  assertWire(await send(ADD), 400, NO_MONEY)
})

test('legacy_errors: every error that knows the key is a 200 with the same text', async () => {
  const customer = await newCustomer(purser, { credit: '2.00', terms: { legacy_errors: true } })
  const { key: reader } = await customer.addKey({ scopes: ['read:all'], legacy_errors: true })
  assertWire(await customer.panelbon({ action: 'nothing' }), 200, INVALID)
  assertWire(await customer.panelbon({ ...ADD, quantity: 49 }), 200, INVALID)
  assertWire(await customer.panelbon({ ...ADD, quantity: 10_000 }), 200, NO_MONEY)
  assertWire(await purser.panelbon(ADD, { key: reader }), 200, FORBIDDEN)
  assertWire(await customer.panelbon({ ...ADD, service: '999999' }), 200, NO_SERVICE)
  assertWire(await customer.panelbon({ action: 'status', order: 'CR-001' }), 200, NO_ORDER)
  const used = { 'idempotency-key': 'used' }
  const id = await place(customer, ADD)
  assert.equal((await customer.panelbon({ ...ADD, quantity: 50 }, used)).status, 200)
  assertWire(await customer.panelbon({ ...ADD, quantity: 51 }, used), 200, REUSED)
  await keepInProgress(purser, id)
  await injectFault(purser, { operation: 'cancel', fault: 'error', times: 1 })
  assertWire(
    await customer.panelbon({ action: 'cancel', orders: String(id) }),
    200,
    '{"error":"server error"}',
  )
})

test('the books balance', () => assertBooksBalance(purser))
