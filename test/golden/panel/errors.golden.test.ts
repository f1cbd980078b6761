import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertError, assertWire, readAnswer } from '../../kit/answer.ts'
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
const LINK = 'https://shop.example'
const ADD = { action: 'add', service: 1, link: LINK, quantity: 1000 }
const ACTIONS: readonly Fields[] = [
  { action: 'balance' },
  { action: 'services' },
  ADD,
  { action: 'status', order: '1' },
  { action: 'multiStatus', orders: '1,2' },
  { action: 'cancel', orders: '1,2' },
  { action: 'refill', orders: '1,2' },
  { action: 'refill_status', refill: '1' },
  { action: 'no_such_action' },
  {},
]
const INVALID_KEY = '{"error":"Invalid API key"}'
const FORBIDDEN = '{"error":"This API key is not allowed to do that"}'
const NO_SERVICE = '{"error":"Incorrect service ID"}'
const NO_ORDER = '{"error":"Incorrect order ID"}'
const NO_MONEY = '{"error":"Not enough funds on balance"}'

test('401: a missing, empty, wrong or operator key, whatever is asked', async () => {
  const wrong = `${purser.demo.customers[0]!.keys.full}x`
  for (const key of [null, '', 'wrong', wrong, purser.demo.operator.api_key, 'k\0k']) {
    for (const fields of ACTIONS) {
      assertWire(await purser.panel(fields, { key }), 401, INVALID_KEY)
    }
  }
})

test('401: a disabled key, within a second and for good', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const { id, key } = await customer.addKey({})
  assertWire(
    await purser.panel({ action: 'balance' }, { key }),
    200,
    '{"balance":"10.00000","currency":"USD"}',
  )
  await disableKey(purser, id)
  for (const fields of ACTIONS) {
    assertWire(await purser.panel(fields, { key }), 401, INVALID_KEY)
  }
  assertWire(
    await customer.panel({ action: 'balance' }),
    200,
    '{"balance":"10.00000","currency":"USD"}',
  )
})

test('400: no action, or one that does not exist', async () => {
  for (const fields of [
    {},
    { action: '' },
    { action: 'no_such_action' },
    { action: '__proto__' },
  ]) {
    assertError(await purser.panel(fields), 400, /action/)
  }
})

test('400: without ids, or with too many, the text that the document shows', async () => {
  const document = await fetch(`${purser.url}/openapi/panel.json`).then(readAnswer)
  const { paths } = document.json as { paths: Readonly<Record<string, DocumentedPath>> }
  const actions = paths['/api/v2']!.post['x-actions']
  const many = Array.from({ length: 101 }, (_, at) => at + 1).join(',')
  for (const [action, field] of [
    ['status', 'order'],
    ['multiStatus', 'orders'],
    ['cancel', 'orders'],
    ['refill', 'order'],
    ['refill_status', 'refill'],
  ] as const) {
    const { errors } = actions.find((one) => one.action === action)!
    const text = `${field} is required`
    assertWire(await purser.panel({ action }), 400, `{"error":"${text}"}`)
    assert.ok(
      errors.some(({ error }) => error === text),
      action,
    )
    const list = field.endsWith('s') ? field : `${field}s`
    const tooMany = `${list} has more than 100 ids`
    assertWire(await purser.panel({ action, [list]: many }), 400, `{"error":"${tooMany}"}`)
    const shown = actions.filter((one) => one.action === action).flatMap((one) => one.errors)
    assert.ok(
      shown.some(({ error }) => error === tooMany),
      action,
    )
  }
})

interface DocumentedPath {
  readonly post: {
    readonly 'x-actions': readonly {
      readonly action: string
      readonly errors: readonly { readonly error: string }[]
    }[]
  }
}

test('402: the balance is too low, and nothing happens', async () => {
  const customer = await newCustomer(purser, { credit: '0.899999' })
  const before = await footprint(purser, customer.id)
  assertWire(await customer.panel(ADD), 402, NO_MONEY)
  assert.deepEqual(await footprint(purser, customer.id), before)
  await customer.credit('0.000001')
  const id = await place(customer, ADD)
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 900000'])
  assertWire(
    await customer.panel({ action: 'balance' }),
    200,
    '{"balance":"0.00000","currency":"USD"}',
  )
  assertWire(await customer.panel({ ...ADD, quantity: 50 }), 402, NO_MONEY)
})

test('404: an unknown service or order', async () => {
  for (const service of ['999999', '0', '9223372036854775807', '99999999999999999999']) {
    assertWire(await purser.panel({ ...ADD, service }), 404, NO_SERVICE)
  }
  assertWire(await purser.panel({ action: 'status', order: '999999999' }), 404, NO_ORDER)
})

test('403: the scope decides, and nothing else', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  const id = await place(customer, ADD)
  const reads: readonly Fields[] = [
    { action: 'balance' },
    { action: 'services' },
    { action: 'status', order: String(id) },
    { action: 'multiStatus', orders: String(id) },
  ]
  const writes: readonly Fields[] = [ADD, { action: 'cancel', orders: '999999999' }]
  const table: readonly (readonly [scopes: readonly string[], read: number, write: number])[] = [
    [['read:all'], 200, 403],
    [['read:billing'], 200, 403],
    [['write:orders'], 200, 200],
    [['write:all'], 200, 200],
    [['read:all', 'write:all'], 200, 200],
    [['read:vm', 'write:vm', 'power:vm', 'read:support', 'write:support'], 403, 403],
    [['write:billing', 'write:services'], 403, 403],
  ]
  for (const [scopes, read, write] of table) {
    const { key } = await customer.addKey({ scopes })
    const expected = [
      ...reads.map((f) => [f, read] as const),
      ...writes.map((f) => [f, write] as const),
    ]
    for (const [fields, status] of expected) {
      const answer = await purser.panel(fields, { key })
      if (status === 403) assertWire(answer, 403, FORBIDDEN)
      else assert.equal(answer.status, status, `${scopes} ${fields.action}: ${answer.text}`)
    }
  }
  const { read } = purser.demo.customers[0]!.keys
  assertWire(await purser.panel(ADD, { key: read }), 403, FORBIDDEN)
  assertWire(
    await purser.panel({ action: 'balance' }, { key: read }),
    200,
    '{"balance":"100.84292","currency":"USD"}',
  )
})

test('the order of checks: key, action, scope, shape, object, state, money', async () => {
  const poor = await newCustomer(purser, { terms: { scopes: ['read:all'] } })
  const { key } = await poor.addKey({})
  const send = (fields: Fields): Promise<Answer> => purser.panel(fields, { key })

  assertWire(await purser.panel({ action: 'nothing' }, { key: 'wrong' }), 401, INVALID_KEY)
  assertError(await poor.panel({ action: 'nothing' }), 400, /action/)
  // Scope before shape.
  assertWire(await poor.panel({ action: 'add' }), 403, FORBIDDEN)
  assertWire(await poor.panel({ action: 'cancel' }), 403, FORBIDDEN)
  const tooMany = Array.from({ length: 101 }, (_, at) => at + 1).join(',')
  assertWire(await poor.panel({ action: 'cancel', orders: tooMany }), 403, FORBIDDEN)
  // Shape before the object, as far as it can be told without knowing the type.
  assertError(await send({ ...ADD, service: '999999', quantity: 'many' }), 400, /quantity/)
  // Shape and object before money.
  assertError(await send({ ...ADD, quantity: 49 }), 400, /quantity/)
  assertWire(await send({ ...ADD, service: '999999' }), 404, NO_SERVICE)
  assertWire(await send(ADD), 402, NO_MONEY)
})

/** Every error that knows the key, with its status and text. */
async function provokeAll(legacy: boolean): Promise<[number, Answer][]> {
  const terms = { legacy_errors: legacy }
  const customer = await newCustomer(purser, { credit: '2.00', terms })
  const id = await place(customer, ADD)
  await keepInProgress(purser, id)
  const { key: readKey } = await customer.addKey({ scopes: ['read:all'], ...terms })
  await injectFault(purser, { operation: 'cancel', fault: 'error', times: 1 })
  const failed = await customer.panel({ action: 'cancel', orders: String(id) })
  const used = { 'idempotency-key': 'used' }
  await customer.panel({ ...ADD, quantity: 50 }, used)
  return [
    [400, await customer.panel({ action: 'nothing' })],
    [400, await customer.panel({ ...ADD, quantity: 49 })],
    [402, await customer.panel({ ...ADD, quantity: 10_000 })],
    [403, await purser.panel(ADD, { key: readKey })],
    [404, await customer.panel({ ...ADD, service: '999999' })],
    [404, await customer.panel({ action: 'status', order: '999999999' })],
    [409, await customer.panel({ ...ADD, quantity: 51 }, used)],
    [502, failed],
  ]
}

test('legacy_errors: every error that knows the key is a 200 with the same text', async () => {
  const plain = await provokeAll(false)
  const legacy = await provokeAll(true)
  for (const [at, [status, answer]] of plain.entries()) {
    assertError(answer, status)
    assertWire(legacy[at]![1], 200, answer.text)
  }
})

test('legacy_errors: an unknown or disabled key stays 401', async () => {
  const customer = await newCustomer(purser)
  const { id, key } = await customer.addKey({ legacy_errors: true })
  assertError(await purser.panel({ action: 'nothing' }, { key }), 200, /action/)
  await disableKey(purser, id)
  assertWire(await purser.panel({ action: 'balance' }, { key }), 401, INVALID_KEY)
  assertWire(await purser.panel({ action: 'balance' }, { key: `${key}x` }), 401, INVALID_KEY)
})

test("legacy_errors: the demo's key", async () => {
  const key = purser.demo.customers[0]!.keys.legacy_errors
  assertWire(await purser.panel({ action: 'status', order: '999999999' }, { key }), 200, NO_ORDER)
  assertWire(
    await purser.panel({ action: 'balance' }, { key }),
    200,
    '{"balance":"100.84292","currency":"USD"}',
  )
})

test('without a limit there are no rate headers', async () => {
  const { headers } = await purser.panel({ action: 'balance' })
  for (const name of ['limit', 'remaining', 'reset']) {
    assert.equal(headers.get(`ratelimit-${name}`), null)
    assert.equal(headers.get(`x-ratelimit-${name}`), null)
  }
})

test('the books balance', () => assertBooksBalance(purser))

test('400: another method than POST or GET, in the error form of the API; HEAD buys nothing', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const clean = await footprint(purser, customer.id)
  const query = new URLSearchParams({ key: customer.key, action: 'add', service: '1', link: LINK })
  for (const path of ['/api/v2', '/app/api/v2']) {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await readAnswer(await fetch(`${purser.url}${path}`, { method }))
      assertError(answer, 400)
    }
    const url = `${purser.url}${path}?${query}&quantity=1000`
    const head = await fetch(url, { method: 'HEAD' })
    assert.equal(head.status, 400)
    assert.deepEqual(await footprint(purser, customer.id), clean)
  }
})
