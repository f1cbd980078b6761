/** What every route refuses alike, in this API's words, and in which order. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../../kit/answer.ts'
import { committed } from '../../kit/documented.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { footprint, newCustomer } from '../../kit/shop.ts'
import { assertError, assertShape, type Method, vpsbgClient } from '../../kit/vpsbg.ts'

const purser = await startTestPurser()
after(() => purser.stop())

interface Route {
  readonly method: Method
  readonly path: string
  /** A path that names something which nobody has. */
  readonly asked: string
  readonly scope: 'read:vm' | 'read:billing' | 'write:billing'
}

const WRITES = 'write:billing'
const ROUTES: readonly Route[] = [
  route('GET', '/servers', 'read:vm'),
  route('GET', '/servers/plans', 'read:vm'),
  route('GET', '/servers/{id}', 'read:vm'),
  route('GET', '/servers/{id}/status', 'read:vm'),
  route('POST', '/servers/renew', WRITES),
  route('POST', '/servers/renew/calculate', WRITES),
  route('GET', '/orders', 'read:billing'),
  route('GET', '/orders/{id}', 'read:billing'),
  route('DELETE', '/orders/{id}', WRITES),
  route('PATCH', '/orders/{id}', WRITES),
  route('PATCH', '/orders/{id}/{service_type}/{service_id}', WRITES),
  route('POST', '/orders/pay', WRITES),
  route('GET', '/balance', 'read:billing'),
  route('GET', '/balance/transactions', 'read:billing'),
  route('GET', '/invoices', 'read:billing'),
]

function route(method: Method, path: string, scope: Route['scope']): Route {
  const asked = path
    .replace('{id}', '2000000000')
    .replace('{service_type}', 'server')
    .replace('{service_id}', '2000000000')
  return { method, path, asked, scope }
}

function placeOf({ method, path }: Route): string {
  return `${method.toLowerCase()} /v1${path}`
}

/** Asks a route with nothing but a key. */
function ask({ method, asked }: Route, key: string | null): Promise<Answer> {
  const client = vpsbgClient(purser, key)
  if (method === 'GET') return client.get(asked)
  if (method === 'DELETE') return client.delete(asked)
  return method === 'POST' ? client.post(asked, {}) : client.patch(asked, {})
}

const UNAUTHORIZED = { status: 401, code: 'unauthorized', message: 'Unauthenticated.' }
const FORBIDDEN = {
  status: 403,
  code: 'insufficient_scope',
  message: 'This API key is not allowed to do that.',
}
const NO_ADDRESS = { status: 404, code: 'not_found', message: 'There is no such address.' }

test('the table names every route of the document', () => {
  const paths = committed.get('vpsbg')?.paths ?? {}
  const documented = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  assert.deepEqual(ROUTES.map(placeOf).sort(), documented.sort())
})

test("no key, a wrong one, an operator's: 401", async () => {
  for (const route of ROUTES) {
    for (const key of [null, 'pur_wrong', purser.demo.operator.api_key]) {
      const answer = await ask(route, key)
      assertError(answer, placeOf(route), UNAUTHORIZED)
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
    }
  }
})

test('a key without the scope: 403, whatever else is wrong', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const keys = {
    'read:vm': await customer.addKey({ scopes: ['read:billing', 'write:all'] }),
    'read:billing': await customer.addKey({ scopes: ['read:vm', 'write:all'] }),
    'write:billing': await customer.addKey({ scopes: ['read:all', 'write:orders'] }),
  }
  const before = await footprint(purser, customer.id)
  for (const route of ROUTES) {
    assertError(await ask(route, keys[route.scope].key), placeOf(route), FORBIDDEN)
  }
  const client = vpsbgClient(purser, keys['write:billing'].key)
  assertError(await client.post('/orders/pay', '{'), 'post /v1/orders/pay', FORBIDDEN)
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('a read key may read everything and do nothing else', async () => {
  const customer = await newCustomer(purser)
  const { key } = await customer.addKey({ scopes: ['read:all'] })
  for (const route of ROUTES) {
    const answer = await ask(route, key)
    if (route.method !== 'GET') assertError(answer, placeOf(route), FORBIDDEN)
    else assertShape(answer, placeOf(route), route.path.includes('{') ? 404 : 200)
  }
})

test('a body that is no JSON, or none of its type: 400, and nothing is done', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const client = vpsbgClient(purser, customer.key)
  const invalid = { status: 400, code: 'invalid_input' }
  for (const route of ROUTES.filter(({ method }) => method === 'POST' || method === 'PATCH')) {
    const send = route.method === 'POST' ? client.post : client.patch
    for (const body of ['{', '{"order_ids":[1}', 'order_ids[]=1']) {
      const message = 'The body is not JSON.'
      assertError(await send(route.asked, body), placeOf(route), { ...invalid, message })
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const message = 'Send the body as application/json.'
    assertError(await send(route.asked, 'a=1', form), placeOf(route), { ...invalid, message })
    const large = await send(route.asked, { promo_code: 'x'.repeat(1024 * 1024) })
    assertError(large, placeOf(route), {
      status: 413,
      code: 'payload_too_large',
      message: 'The request body is too large.',
    })
  }
})

test('what is no address of this API: 404 for whoever has a key', async () => {
  const customer = await newCustomer(purser)
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/nothing'],
    ['POST', '/servers'],
    ['GET', '/servers/1/metrics'],
    ['POST', '/servers/1/start'],
    ['PUT', '/servers/1/password'],
    ['DELETE', '/servers/1'],
    ['GET', '/user'],
    ['POST', '/balance/deposit'],
    ['GET', '/invoices/1/download'],
    ['GET', '/ssh-keys'],
    ['OPTIONS', '/orders'],
  ] as const) {
    for (const [key, expected] of [
      [customer.key, NO_ADDRESS],
      ['pur_wrong', UNAUTHORIZED],
    ] as const) {
      const answer = await readAnswer(
        await fetch(`${purser.url}/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${key}` },
        }),
      )
      const request_id = answer.headers.get('x-request-id')
      const { status, code, message } = expected
      assert.deepEqual([answer.status, answer.json], [status, { message, code, request_id }], path)
      assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
    }
  }
})

test('an idempotency key that is none: 400', async () => {
  const customer = await newCustomer(purser)
  const client = vpsbgClient(purser, customer.key)
  const headers = { 'idempotency-key': 'k'.repeat(256) }
  assertError(await client.patch('/orders/2000000000', {}, headers), 'patch /v1/orders/{id}', {
    status: 400,
    code: 'idempotency_key_invalid',
    message: 'An idempotency key is 1 to 255 printable ASCII characters.',
  })
})

test('a trailing slash and an empty Accept header change nothing', async () => {
  const customer = await newCustomer(purser)
  for (const path of ['/balance/', '/orders/', '/servers/']) {
    const answer = await readAnswer(
      await fetch(`${purser.url}/v1${path}`, {
        headers: { authorization: `bearer ${customer.key}`, accept: '' },
      }),
    )
    assertShape(answer, `get /v1${path.slice(0, -1)}`, 200)
  }
})

test('past the limit: 429 with Retry-After and the limits in the headers', async () => {
  const limited = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '2' } })
  try {
    const client = vpsbgClient(limited, limited.demo.customers[0]!.keys.full)
    let answer = await client.get('/balance')
    assert.equal(answer.headers.get('ratelimit-limit'), '2')
    // A new minute may begin between two requests.
    for (let tries = 0; answer.status !== 429 && tries < 8; tries++) {
      answer = await client.get('/balance')
    }
    assertError(answer, 'get /v1/balance', {
      status: 429,
      code: 'rate_limited',
      message: 'Too many requests; try again later.',
    })
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
  } finally {
    await limited.stop()
  }
})
