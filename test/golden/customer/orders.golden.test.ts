/** The customer API: orders, one by one and many at once, as texts, with the transfers behind. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../../kit/answer.ts'
import { assertRefused, bearer, customerApi, fromOwnSite } from '../../kit/customer-api.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { footprint, monthlyName, newCustomer, orderRow, transfersOf } from '../../kit/shop.ts'
import { signedIn } from '../../kit/signed-in.ts'
import { newTestService } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, {
  credit: '100.00',
  terms: { discount_percent: 10 },
})
const api = customerApi(purser, bearer(customer.key))
const service = await newTestService(purser, '1.00')
const LINK = 'https://shop.example/page'
const ORDER = { service, link: LINK, quantity: 1000 }
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

interface Placed {
  readonly id: string
  readonly public_id: string
  readonly charge: string
  readonly created_at: string
}

function placedOf(answer: Answer): Placed {
  assert.equal(answer.status, 201, answer.text)
  return answer.json as Placed
}

test('an order is answered with what it costs, and read as it stands', async () => {
  const answer = await api.ask('POST /orders', ORDER)
  const { id, created_at } = placedOf(answer)
  assert.match(created_at, INSTANT)
  const name = await monthlyName(purser, BigInt(id))
  assert.equal(
    answer.text,
    JSON.stringify({
      id,
      public_id: name,
      currency: 'USD',
      list_charge: '1.00',
      charge: '0.90',
      created_at,
    }),
  )
  assert.deepEqual(await transfersOf(purser, BigInt(id)), ['order wallet>revenue 900000'])
  for (const named of [id, name]) {
    const read = await api.ask(`GET /orders/${named}`)
    assert.equal(read.status, 200, read.text)
    const { state, start_count, remains, updated_at, ...rest } = read.json as Record<
      string,
      unknown
    >
    assert.deepEqual(rest, {
      id,
      public_id: name,
      service_id: service,
      type: 'Default',
      quantity: 1000,
      link: LINK,
      params: null,
      currency: 'USD',
      list_charge: '1.00',
      charge: '0.90',
      refunded: '0.00',
      cancel_requested_at: null,
      created_at,
    })
    assert.ok(typeof state === 'string' && typeof remains === 'number')
    assert.ok(start_count === null || typeof start_count === 'number')
    assert.match(String(updated_at), INSTANT)
  }
})

test('orders are listed in pages, newest first, those of others never', async () => {
  const alone = await newCustomer(purser, { credit: '10.00' })
  const own = customerApi(purser, bearer(alone.key))
  const ids: string[] = []
  for (let n = 0; n < 3; n++) ids.unshift(placedOf(await own.ask('POST /orders', ORDER)).id)
  const first = (await own.ask('GET /orders?limit=2')).json as {
    data: { id: string }[]
    hasMore: boolean
    nextCursor: string
  }
  assert.deepEqual(
    first.data.map(({ id }) => id),
    ids.slice(0, 2),
  )
  assert.equal(first.hasMore, true)
  const rest = await own.ask(`GET /orders?limit=2&cursor=${first.nextCursor}`)
  const { data, ...end } = rest.json as { data: { id: string }[] }
  assert.deepEqual(
    data.map(({ id }) => id),
    ids.slice(2),
  )
  assert.deepEqual(end, { hasMore: false, nextCursor: null })
  const none = (await own.ask('GET /orders?service_id=999999')).json as { data: unknown[] }
  assert.deepEqual(none.data, [])
  assertRefused(await api.ask(`GET /orders/${ids[0]}`), 404, 'not_found')
})

test('services are listed in pages at prices of the account, as they are charged', async () => {
  const found: Record<string, unknown>[] = []
  for (let path = '/services?limit=3'; ; ) {
    const page = (await api.ask(`GET ${path}`)).json as {
      data: Record<string, unknown>[]
      nextCursor: string | null
    }
    found.push(...page.data)
    if (page.nextCursor === null) break
    path = `/services?limit=3&cursor=${page.nextCursor}`
  }
  const panel = (await customer.panel({ action: 'services' })).json as {
    service: string
    rate: string
  }[]
  assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(panel.map((each) => each.service)))
  const shown = found.find(({ id }) => id === service)
  const { name, category, ...rest } = shown ?? {}
  assert.equal(name, category)
  assert.deepEqual(rest, {
    id: service,
    description: '',
    type: 'Default',
    currency: 'USD',
    rate: '0.90',
    original_rate: '1.00',
    min_charge: '0.00',
    min_quantity: 1,
    max_quantity: 1_000_000,
    quantity_step: 1,
    package_quantity: null,
    can_refill: false,
    can_cancel: true,
    can_dripfeed: false,
  })
})

test('a refusal says what to change, and leaves nothing', async () => {
  const before = await footprint(purser, customer.id)
  const cases: readonly (readonly [body: object, status: number, code: string])[] = [
    [{ ...ORDER, service: '2000000000' }, 404, 'not_found'],
    [{ ...ORDER, quantity: 0 }, 400, 'invalid_request'],
    [{ ...ORDER, quantity: -1 }, 400, 'invalid_request'],
    [{ service, quantity: 1000 }, 400, 'invalid_request'],
    [{ link: LINK, quantity: 1000 }, 400, 'invalid_request'],
    [{ ...ORDER, unknown: 1 }, 400, 'invalid_request'],
    [{ ...ORDER, quantity: 1_000_000 }, 402, 'insufficient_funds'],
    [{ ...ORDER, service: purser.demo.services.Subscriptions ?? '' }, 409, 'invalid_state'],
  ]
  for (const [body, status, code] of cases) {
    assertRefused(await api.ask('POST /orders', body), status, code)
  }
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('a repeat gets the first answer, in this API and in the panels', async () => {
  const header = { 'idempotency-key': `order-${customer.id}` }
  const first = await api.ask('POST /orders', ORDER, header)
  const again = await api.ask('POST /orders', { ...ORDER, quantity: '1000' }, header)
  assert.equal(again.text, first.text)
  assert.equal(again.status, 201)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  const panel = await customer.panel({ action: 'add', ...ORDER }, header)
  assert.equal(panel.text, `{"order":${placedOf(first).id}}`)
  const other = await api.ask('POST /orders', { ...ORDER, quantity: 999 }, header)
  assertRefused(other, 409, 'idempotency_key_reused')
})

test('a canceled order is refunded; one that is not there is answered beside it', async () => {
  const { id } = placedOf(await api.ask('POST /orders', ORDER))
  const answer = await api.ask('POST /orders/cancel', { orders: [id, '2000000000'] })
  assert.equal(answer.status, 200, answer.text)
  const [canceled, missing] = (answer.json as { data: Record<string, unknown>[] }).data
  assert.deepEqual(canceled, { order: id, is_canceled: true, problem: null })
  assert.deepEqual(missing, {
    order: '2000000000',
    is_canceled: false,
    problem: {
      type: `${purser.url}/errors/not_found`,
      title: 'Not found',
      status: 404,
      detail: 'No such order.',
      code: 'not_found',
    },
  })
  assert.equal((await orderRow(purser, BigInt(id))).state, 'canceled')
})

test('a user who is signed in orders for the account, without the discount of a key', async () => {
  const session = customerApi(purser, fromOwnSite(await signedIn(purser, customer, 'owner')))
  const { id, charge } = placedOf(await session.ask('POST /orders', ORDER))
  assert.equal(charge, '1.00')
  const { rows } = await purser.pool.query(
    `select o.api_key_id, e.actor_kind, u.account_id = o.account_id as own
     from service_order o
     join event e on e.subject_id = o.id and e.kind = 'order.placed'
     join account_user u on u.id = e.actor_id
     where o.id = $1`,
    [id],
  )
  assert.deepEqual(rows, [{ api_key_id: null, actor_kind: 'user', own: true }])
  const { data } = (await session.ask('GET /services?limit=100')).json as {
    data: { id: string; rate: string }[]
  }
  assert.equal(data.find((each) => each.id === service)?.rate, '1.00')
  const reader = customerApi(purser, fromOwnSite(await signedIn(purser, customer, 'reader')))
  assertRefused(await reader.ask('POST /orders', ORDER), 403, 'insufficient_scope')
  assert.equal((await reader.ask(`GET /orders/${id}`)).status, 200)
})

test('nobody is let in without a key or a session, nor from another site', async () => {
  const cookie = await signedIn(purser, customer, 'owner')
  const strangers = [{}, bearer('wrong'), bearer(purser.demo.operator.api_key), { cookie }]
  for (const headers of strangers) {
    const stranger = customerApi(purser, headers)
    for (const how of [
      'GET /services',
      'GET /orders',
      'GET /orders/1',
      'GET /orders.csv',
      'POST /orders',
      'POST /mass-orders',
      'POST /orders/cancel',
    ]) {
      const body = how.startsWith('POST') ? {} : undefined
      assertRefused(await stranger.ask(how, body), 401, 'unauthorized')
    }
  }
  const { key } = await customer.addKey({ scopes: ['read:support'] })
  const support = customerApi(purser, bearer(key))
  for (const how of ['GET /services', 'GET /orders', 'GET /orders.csv']) {
    assertRefused(await support.ask(how), 403, 'insufficient_scope')
  }
  const reading = await customer.addKey({ scopes: ['read:all'] })
  const reader = customerApi(purser, bearer(reading.key))
  for (const how of ['POST /orders', 'POST /mass-orders', 'POST /orders/cancel']) {
    assertRefused(await reader.ask(how, {}), 403, 'insufficient_scope')
  }
})

test('the books balance', () => assertBooksBalance(purser))
