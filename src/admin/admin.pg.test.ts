import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type AdminAnswer,
  type AdminApp,
  OPERATOR,
  startAdminApp,
} from '../../test/kit/admin-app.ts'

let admin: AdminApp
let ask: AdminApp['ask']
let customers = 0

before(async () => {
  admin = await startAdminApp()
  ask = (method, path, ...rest) => admin.ask(method, `/admin/v1${path}`, ...rest)
})

after(async () => {
  await admin?.close()
})

async function newAccount(): Promise<string> {
  const answer = await ask('POST', '/accounts', {
    email: `customer${++customers}@example.com`,
    name: 'Customer',
    currency: 'USD',
    time_zone: 'Europe/Sofia',
  })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.id
}

const MANY_SCOPES = { name: 'shop', scopes: Array(100).fill('read:vm') }
const KEY = { name: 'shop', scopes: ['write:orders'], discount_percent: 12.3456 }

test('every route refuses no key, a wrong key and the key of a customer', async () => {
  const made = await ask('POST', `/accounts/${await newAccount()}/api-keys`, {
    name: 'all',
    scopes: ['read:all', 'write:all'],
  })
  const routes = admin.routes.filter(({ url }) => url.startsWith('/admin/v1'))
  const asked: string[] = []
  for (const { method, url } of routes) {
    const path = url.replace(/:\w+/g, '1')
    for (const verb of [method].flat()) {
      const name = `${verb} ${url}`
      if (verb === 'HEAD' || name === 'POST /admin/v1/session') continue
      asked.push(name)
      for (const [authorization, status, code] of [
        [null, 401, 'unauthorized'],
        ['Bearer pur_wrong', 401, 'unauthorized'],
        ['Basic YTpi', 401, 'unauthorized'],
        [`Bearer ${made.json.key}`, 403, 'insufficient_scope'],
      ] as const) {
        // A body that no route takes: who asks is judged first.
        const body = verb === 'GET' ? undefined : '{"nonsense":'
        const answer = await admin.ask(verb, path, body, { authorization })
        assert.equal(answer.status, status, `${name} with ${authorization}: ${answer.text}`)
        if (status === 401) assert.equal(answer.headers['www-authenticate'], 'Bearer')
        assert.equal(answer.json.code, code)
      }
    }
  }
  assert.ok(asked.length >= 35, asked.join('\n'))
  assert.equal((await ask('GET', '/nowhere', undefined, { authorization: null })).status, 401)
})

test('every route has what OpenAPI needs of it', () => {
  const ids = new Set<string>()
  for (const { method, url, schema } of admin.routes) {
    if (method === 'HEAD') continue
    const told = schema as Record<string, unknown>
    for (const field of ['operationId', 'summary', 'tags', 'security', 'response']) {
      assert.ok(told?.[field], `${method} ${url} has no ${field}`)
    }
    const { operationId, response } = told as { operationId: string; response: object }
    assert.ok(!ids.has(operationId), `${operationId} is used twice`)
    ids.add(operationId)
    assert.ok('4xx' in response && '5xx' in response, `${url} says nothing of problems`)
  }
})

test('a refusal is Problem Details, field by field', async () => {
  const answer = await ask('POST', '/accounts?token=secret', { email: 5, nmae: 'x', currency: 'U' })
  assert.equal(answer.status, 400)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  const { requestId, timestamp, errors, ...rest } = answer.json
  assert.match(requestId, /^req_[0-9a-hjkmnp-tv-z]{26}$/)
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(rest, {
    type: 'https://purser.example/errors/invalid_request',
    title: 'Validation failed',
    status: 400,
    detail: 'The request body failed validation.',
    code: 'invalid_request',
    instance: '/admin/v1/accounts',
    extensions: {},
  })
  const found = errors.map((error: { pointer: string; code: string }) => [
    error.pointer,
    error.code,
  ])
  assert.deepEqual(found.sort(), [
    ['/email', 'invalid_type'],
    ['/name', 'missing_required'],
    ['/nmae', 'unknown_field'],
    ['/time_zone', 'missing_required'],
  ])
})

test('what the core refuses keeps its code and its pointer', async () => {
  const id = await newAccount()
  const cases: [string, string, unknown, number, string][] = [
    ['GET', '/accounts/999999', undefined, 404, 'not_found'],
    ['GET', '/accounts/1e3', undefined, 404, 'not_found'],
    ['GET', '/nowhere', undefined, 404, 'not_found'],
    ['PATCH', `/accounts/${id}`, { currency: 'usd' }, 400, 'invalid_request'],
    ['PATCH', `/accounts/${id}`, [], 400, 'invalid_request'],
    ['POST', `/accounts/${id}/api-keys`, MANY_SCOPES, 400, 'invalid_request'],
    ['PATCH', `/accounts/${id}`, '{"name":', 400, 'invalid_request'],
    ['POST', `/accounts/${id}/credits`, { amount: '-1', reason: 'x' }, 402, 'insufficient_funds'],
    ['POST', `/accounts/${id}/credits`, { amount: '1e3', reason: 'x' }, 400, 'invalid_request'],
    ['POST', `/accounts/${id}/credits`, { amount: 10, reason: 'x' }, 400, 'invalid_request'],
    ['GET', '/accounts?limit=101', undefined, 400, 'invalid_request'],
    ['GET', '/accounts?limit=1&limit=2', undefined, 400, 'invalid_request'],
    ['GET', '/accounts?email=%00', undefined, 400, 'invalid_request'],
    ['DELETE', '/services/1/prices/%00', undefined, 400, 'invalid_request'],
    ['POST', '/categories', { name: 'a\0b' }, 400, 'invalid_request'],
    ['GET', '/accounts?colour=red', undefined, 400, 'invalid_request'],
    ['GET', '/accounts?cursor=bm90aGluZw', undefined, 400, 'invalid_request'],
  ]
  for (const [method, path, body, status, code] of cases) {
    const answer = await ask(method, path, body)
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`)
    assert.equal(answer.json.code, code)
  }
  const form = await admin.app.inject({
    method: 'POST',
    url: '/admin/v1/accounts',
    headers: {
      authorization: `Bearer ${admin.operatorKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    payload: 'email=a%40b.c',
  })
  assert.equal(form.statusCode, 400)
  assert.match(form.json().detail, /application\/json/)
})

test('an account is opened, changed, credited, read, suspended and resumed', async () => {
  const id = await newAccount()
  const credit = await ask('POST', `/accounts/${id}/credits`, { amount: '10.5', reason: 'x' })
  assert.equal(credit.status, 201, credit.text)
  assert.equal(credit.json.balance, '10.50')
  const read = await ask('GET', `/accounts/${id}`)
  assert.equal(read.json.balance, '10.50')
  const statement = await ask('GET', `/accounts/${id}/transactions`)
  assert.equal(statement.json.data[0].amount, '10.50')
  assert.equal(statement.json.data[0].kind, 'credit')
  assert.equal(statement.json.data[0].description, 'Credit: x')
  assert.equal((await ask('PATCH', `/accounts/${id}`, { currency: 'EUR' })).status, 409)
  const changed = await ask('PATCH', `/accounts/${id}`, { time_zone: 'UTC' })
  assert.equal(changed.json.time_zone, 'UTC')
  assert.equal((await ask('POST', `/accounts/${id}/suspend`)).json.state, 'suspended')
  const listed = await ask('GET', '/accounts?state=suspended')
  assert.deepEqual(
    listed.json.data.map((account: { id: string }) => account.id),
    [id],
  )
  assert.equal((await ask('POST', `/accounts/${id}/resume`, {})).json.state, 'active')
  const byEmail = await ask('GET', `/accounts?email=${encodeURIComponent(read.json.email)}`)
  assert.equal(byEmail.json.data.length, 1)
})

test('a list is walked page by page, each row once', async () => {
  for (let i = 0; i < 5; i++) await newAccount()
  const whole = await ask('GET', '/accounts?limit=100')
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const after: string = cursor === null ? '' : `&cursor=${cursor}`
    const page = await ask('GET', `/accounts?limit=2${after}`)
    assert.equal(page.json.hasMore, page.json.nextCursor !== null)
    seen.push(...page.json.data.map((account: { id: string }) => account.id))
    cursor = page.json.nextCursor
  } while (cursor !== null)
  assert.deepEqual(
    seen,
    whole.json.data.map((account: { id: string }) => account.id),
  )
  const other = await ask('GET', '/accounts?limit=1')
  const misused = await ask('GET', `/services?cursor=${other.json.nextCursor}`)
  assert.equal(misused.json.errors[0].pointer, '/cursor')
})

test('a key is shown once, changed and disabled; a repeat answers the same bytes', async () => {
  const id = await newAccount()
  const once = { 'idempotency-key': 'key-1' }
  const made = await ask('POST', `/accounts/${id}/api-keys`, KEY, once)
  assert.equal(made.status, 201, made.text)
  assert.match(made.json.key, /^pur_[0-9A-Za-z]{40}$/)
  assert.equal(made.json.prefix, made.json.key.slice(0, 12))
  assert.equal(made.json.discount_percent, 12.3456)
  const again = await ask('POST', `/accounts/${id}/api-keys`, KEY, once)
  assert.equal(again.text, made.text)
  assert.equal(again.headers['idempotent-replayed'], 'true')
  const other = await ask('POST', `/accounts/${id}/api-keys`, { ...KEY, name: 'x' }, once)
  assert.equal(other.json.code, 'idempotency_key_reused')
  const listed = await ask('GET', `/accounts/${id}/api-keys`)
  assert.equal(listed.json.data.length, 1)
  assert.ok(!listed.text.includes(made.json.key))
  const changed = await ask('PATCH', `/api-keys/${made.json.id}`, { discount_percent: '0' })
  assert.equal(changed.json.discount_percent, 0)
  for (const discount_percent of [101, -1, 0.00001, '1e1']) {
    const bad = await ask('PATCH', `/api-keys/${made.json.id}`, { discount_percent })
    assert.equal(bad.json?.errors?.[0]?.pointer, '/discount_percent', bad.text)
  }
  assert.equal((await ask('DELETE', `/api-keys/${made.json.id}`)).status, 204)
  assert.equal((await ask('DELETE', `/api-keys/${made.json.id}`)).status, 204)
  const gone = await ask('GET', '/accounts', undefined, {
    authorization: `Bearer ${made.json.key}`,
  })
  assert.equal(gone.status, 401)
})

test('an operator signs in, acts by the cookie from our own site alone, and signs out', async () => {
  const anonymous = { authorization: null }
  const wrong = await ask(
    'POST',
    '/session',
    { ...OPERATOR, name: undefined, password: 'wrong one' },
    anonymous,
  )
  assert.equal(wrong.status, 401)
  const { email, password } = OPERATOR
  const elsewhere = { ...anonymous, origin: 'https://evil.example' }
  assert.equal((await ask('POST', '/session', { email, password }, elsewhere)).status, 401)
  const signedIn = await ask('POST', '/session', { email, password }, anonymous)
  assert.equal(signedIn.status, 201, signedIn.text)
  const set = String(signedIn.headers['set-cookie'])
  assert.match(
    set,
    /^purser_operator=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure$/,
  )
  const cookie = set.split(';', 1)[0] ?? ''
  const vouched: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin' },
    { origin: 'https://purser.example' },
    { origin: 'http://localhost:8080', host: 'localhost:8080' },
  ]
  for (const headers of vouched) {
    const answer = await ask('GET', '/session', undefined, { ...anonymous, cookie, ...headers })
    assert.equal(answer.status, 200, `${JSON.stringify(headers)} ${answer.text}`)
    assert.equal(answer.json.operator.email, email)
  }
  const refused: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]
  for (const headers of refused) {
    const answer = await ask('GET', '/session', undefined, { ...anonymous, cookie, ...headers })
    assert.equal(answer.status, 401, `${JSON.stringify(headers)} ${answer.text}`)
  }
  const typed = { ...anonymous, cookie, 'sec-fetch-site': 'none' }
  assert.equal((await ask('POST', '/categories', { name: 'x' }, typed)).status, 401)
  const own = { ...anonymous, cookie, 'sec-fetch-site': 'same-origin' }
  const account = await newAccount()
  const keyed = { ...own, 'idempotency-key': 'by-session' }
  const made = await ask('POST', `/accounts/${account}/api-keys`, KEY, keyed)
  const repeated = await ask('POST', `/accounts/${account}/api-keys`, KEY, keyed)
  assert.equal(repeated.text, made.text)
  const out = await ask('DELETE', '/session', undefined, own)
  assert.equal(out.status, 204)
  assert.match(String(out.headers['set-cookie']), /Max-Age=0/)
  assert.equal((await ask('GET', '/session', undefined, own)).status, 401)
})

test("a customer's user signs in at /session and is no operator", async () => {
  const account = await newAccount()
  const login = { email: `user${account}@example.com`, password: 'correct horse battery' }
  const made = await ask('POST', `/accounts/${account}/users`, login)
  assert.equal(made.status, 201, made.text)
  const anonymous = { authorization: null }
  const signedIn = await admin.ask('POST', '/session', login, anonymous)
  assert.equal(signedIn.status, 201, signedIn.text)
  assert.equal(signedIn.json.user.account_id, account)
  const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0] ?? ''
  assert.match(cookie, /^hostup_session=/)
  const own = { ...anonymous, cookie, 'sec-fetch-site': 'same-origin' }
  assert.equal((await admin.ask('GET', '/session', undefined, own)).json.user.role, 'owner')
  const forged = { ...own, cookie: cookie.replace('hostup_session', 'purser_operator') }
  assert.equal((await ask('GET', '/session', undefined, forged)).status, 401)
  assert.equal((await admin.ask('DELETE', '/session', undefined, own)).status, 204)
  assert.equal((await admin.ask('GET', '/session', undefined, own)).status, 401)
})

test('a service is added, priced, paused and listed', async () => {
  const category = await ask('POST', '/categories', { name: 'Pictures' })
  assert.equal(category.status, 201, category.text)
  const added = await ask('POST', '/services', {
    category_id: category.json.id,
    name: 'Image tagging',
    type: 'Package',
    min_quantity: 1,
    max_quantity: 1,
    package_quantity: 10,
    prices: [{ currency: 'USD', rate: '0.9' }],
  })
  assert.equal(added.status, 201, added.text)
  assert.deepEqual(added.json.prices, [{ currency: 'USD', rate: '0.90', min_charge: '0.00' }])
  const path = `/services/${added.json.id}`
  const priced = await ask('PUT', `${path}/prices/SEK`, { rate: '9.123456' })
  assert.deepEqual(priced.json.prices[0], { currency: 'SEK', rate: '9.123456', min_charge: '0.00' })
  assert.equal((await ask('DELETE', `${path}/prices/SEK`)).status, 204)
  assert.equal((await ask('PATCH', path, { state: 'paused' })).json.state, 'paused')
  assert.equal((await ask('GET', '/services?state=paused')).json.data.length, 1)
  assert.equal((await ask('GET', path)).json.package_quantity, 10)
  assert.equal((await ask('PATCH', path, { type: 'Default' })).json.errors[0].code, 'unknown_field')
  assert.equal((await ask('PATCH', '/categories/1', { position: 3 })).json.position, 3)
})

test('operators are added, get keys, and are disabled', async () => {
  const added = await ask('POST', '/operators', {
    email: 'boris@purser.example',
    name: 'Boris',
    password: 'another long password',
  })
  assert.equal(added.status, 201, added.text)
  const made = await ask('POST', `/operators/${added.json.id}/api-keys`, { name: 'deploy' })
  const boris = { authorization: `Bearer ${made.json.key}` }
  assert.equal((await ask('GET', '/session', undefined, boris)).json.operator.name, 'Boris')
  assert.equal((await ask('GET', `/operators/${added.json.id}/api-keys`)).json.data.length, 1)
  const disabled = await ask('POST', `/operators/${added.json.id}/disable`)
  assert.equal(disabled.json.state, 'disabled')
  assert.equal((await ask('GET', '/session', undefined, boris)).status, 401)
  assert.equal((await ask('GET', '/operators')).json.data.length, 2)
})

test('the books, the providers and the feed answer', async () => {
  const balance = await ask('GET', '/ledger/trial-balance')
  assert.equal(balance.json.ok, true, balance.text)
  const verified = await ask('POST', '/ledger/verify', { all: true })
  assert.equal(verified.json.ok, true, verified.text)
  const providers = await ask('GET', '/providers')
  assert.deepEqual(
    providers.json.data.map((provider: { kind: string; name: string; status: string }) => [
      provider.kind,
      provider.name,
      provider.status,
    ]),
    [
      ['delivery', 'simulated', 'working'],
      ['delivery', 'manual', 'working'],
      ['compute', 'simulated', 'working'],
      ['payment', 'simulated', 'working'],
    ],
  )
  const first = await events('limit=1')
  assert.equal(first.json.data[0].kind, 'operator.created')
  const second = await events(`limit=1&after=${first.json.nextCursor}`)
  assert.equal(second.json.data[0].kind, 'api_key.created')
  const wrong = await ask('GET', '/events?after=nothing')
  assert.equal(wrong.json.errors[0].pointer, '/after')
})

/** A page of the feed with something on it: whoever writes on the same server may hold it back. */
async function events(query: string): Promise<AdminAnswer> {
  for (;;) {
    const answer = await ask('GET', `/events?${query}`)
    assert.equal(answer.status, 200, answer.text)
    if (answer.json.data.length > 0) return answer
  }
}

test('the test clock is set for everybody and moves on', async () => {
  const set = await ask('PUT', '/test-clock', { now: '2031-01-31T10:00:00Z' })
  assert.deepEqual(set.json, { now: '2031-01-31T10:00:00.000Z' })
  assert.match((await ask('GET', '/test-clock')).json.now, /^2031-01-31T10:0/)
  assert.equal((await ask('PUT', '/test-clock', { now: 'soon' })).status, 400)
  const without = await startAdminApp({ testClock: false })
  assert.equal((await without.ask('GET', '/admin/v1/test-clock')).status, 404)
  await without.close()
})

test('faults are asked for, and a delivery that nobody has is not found', async () => {
  const fault = { operation: 'submit', fault: 'timeout', times: 2 }
  assert.deepEqual((await ask('PUT', '/drivers/simulated/faults', fault)).json, fault)
  const rows = await admin.database.db.selectFrom('simulated_fault').selectAll().execute()
  assert.deepEqual(rows, [fault])
  const end = { outcome: 'partial', delivered: 3 }
  assert.equal((await ask('PUT', '/drivers/simulated/deliveries/77', end)).status, 404)
})
