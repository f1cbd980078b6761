/** Who may ask what of HostUp's API, and that nothing of another account's shows. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../kit/answer.ts'
import { committed } from '../kit/documented.ts'
import { assertRefused, type HostupClient, hostupClient, hostupWith } from '../kit/hostup.ts'
import { openInvoice, rentedServer } from '../kit/hostup-scene.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'
import { walletMoves } from '../kit/servers.ts'
import { disableKey, footprint, newCustomer } from '../kit/shop.ts'
import { signedIn } from '../kit/signed-in.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const owner = await rentedServer(purser, { credit: '1000.00', addons: ['50.00'] })
const invoiceId = await openInvoice(purser, owner)
const stranger = await rentedServer(purser, { credit: '1000.00' })
const UNKNOWN = '01hxa3b4c5d6e7f8g9h0j1k2m3'

/** Every route of the document: its scope, its address, and what each id of a path may be. */
interface Route {
  readonly place: string
  readonly scope: string
  readonly path: (id: string) => string
  /** The public id of the owner's object, and its prefix; none where the path has no id. */
  readonly id?: string
  readonly list?: true
}

const ROUTES: readonly Route[] = [
  { place: 'get /api/v2/vps', scope: 'read:vm', path: () => '/v2/vps', list: true },
  {
    place: 'get /api/v2/vps/{id}',
    scope: 'read:vm',
    path: (id) => `/v2/vps/${id}`,
    id: owner.publicId,
  },
  {
    place: 'get /api/v2/vps/{id}/details',
    scope: 'read:vm',
    path: (id) => `/v2/vps/${id}/details`,
    id: owner.publicId,
  },
  {
    place: 'get /api/v2/vps/{id}/status',
    scope: 'read:vm',
    path: (id) => `/v2/vps/${id}/status`,
    id: owner.publicId,
  },
  {
    place: 'post /api/v2/vps/{id}/actions/renew',
    scope: 'write:billing',
    path: (id) => `/v2/vps/${id}/actions/renew`,
    id: owner.publicId,
  },
  {
    place: 'get /api/v2/billing/invoices',
    scope: 'read:billing',
    path: () => '/v2/billing/invoices',
    list: true,
  },
  {
    place: 'get /api/v2/billing/invoices/{id}',
    scope: 'read:billing',
    path: (id) => `/v2/billing/invoices/${id}`,
    id: invoiceId,
  },
  {
    place: 'post /api/v2/billing/invoices/{id}/actions/pay',
    scope: 'write:billing',
    path: (id) => `/v2/billing/invoices/${id}/actions/pay`,
    id: invoiceId,
  },
  {
    place: 'get /api/v2/billing/activity',
    scope: 'read:billing',
    path: () => '/v2/billing/activity',
    list: true,
  },
  {
    place: 'get /api/jobs/{id}',
    scope: 'read:vm',
    path: (id) => `/jobs/${id}`,
    id: invoiceId.replace('inv_', 'job_'),
  },
]
const OPEN_ROUTE = 'get /api/v2/products/vps'

function ask(client: HostupClient, route: Route, id = route.id ?? ''): Promise<Answer> {
  const path = route.path(id)
  return route.place.startsWith('post') ? client.post(path) : client.get(path)
}

/** Fails where `asking` has left anything of either account. */
async function nothingMoves(asking: () => Promise<void>): Promise<void> {
  const all = async () => [
    await footprint(purser, owner.customer.id),
    await footprint(purser, stranger.customer.id),
  ]
  const before = await all()
  await asking()
  assert.deepEqual(await all(), before)
}

test('the table has every route that there is', () => {
  const documented = Object.entries(committed.get('hostup')?.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  const known = [...ROUTES.map((route) => route.place), OPEN_ROUTE]
  assert.deepEqual(documented.sort(), known.sort())
})

test('401: no key, a wrong one, an operator’s, a disabled one', () =>
  nothingMoves(async () => {
    const { id, key: disabled } = await owner.customer.addKey({})
    await disableKey(purser, id)
    const wrong = [null, 'wrong', `${owner.customer.key}x`, purser.demo.operator.api_key, disabled]
    for (const route of ROUTES) {
      for (const key of wrong) {
        const answer = await ask(hostupClient(purser, key), route)
        assertRefused(answer, 401, 'unauthorized')
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      }
      for (const authorization of ['Basic YTpi', 'Bearer', `bearer${owner.customer.key}`]) {
        const answer = await ask(hostupWith(purser, { authorization }), route)
        assertRefused(answer, 401, 'unauthorized')
      }
    }
  }))

test('the key is judged before the body and the query', async () => {
  const client = hostupClient(purser, 'wrong')
  for (const route of ROUTES) {
    const path = route.path(route.id ?? '')
    const answer = route.place.startsWith('post')
      ? await client.post(path, '{"nonsense":', { 'content-type': 'application/json' })
      : await client.get(`${path}?nonsense=1`)
    assertRefused(answer, 401, 'unauthorized')
  }
})

test('403: the scope decides, before the body is read', () =>
  nothingMoves(async () => {
    const every = ['read:vm', 'read:billing', 'write:billing', 'write:vm', 'power:vm'] as const
    for (const route of ROUTES) {
      const without = every.filter((scope) => scope !== route.scope)
      const { key } = await owner.customer.addKey({ scopes: without })
      const client = hostupClient(purser, key)
      assertRefused(await ask(client, route), 403, 'insufficient_scope')
      if (!route.place.startsWith('post')) continue
      const path = route.path(route.id ?? '')
      const answer = await client.post(path, '{"nonsense":', { 'content-type': 'text/plain' })
      assertRefused(answer, 403, 'insufficient_scope')
    }
  }))

test('the scope alone is enough, and `read:all` and `write:all` imply it', async () => {
  for (const route of ROUTES) {
    const all = route.scope.startsWith('read') ? 'read:all' : 'write:all'
    for (const scope of [route.scope, all]) {
      const { key } = await stranger.customer.addKey({ scopes: [scope] })
      // Of an object that does not exist, so that nothing is bought by it.
      const prefix = route.id?.split('_')[0]
      const answer = await ask(hostupClient(purser, key), route, `${prefix}_${UNKNOWN}`)
      assert.equal(answer.status, route.list ? 200 : 404, `${route.place}: ${answer.text}`)
    }
  }
})

test('404: another account’s object is as one that does not exist', () =>
  nothingMoves(async () => {
    for (const route of ROUTES) {
      if (route.id === undefined) continue
      const none = `${route.id.split('_')[0]}_${UNKNOWN}`
      const texts: string[] = []
      for (const id of [route.id, none]) {
        const answer = await ask(stranger.client, route, id)
        assertRefused(answer, 404, 'not_found')
        const requestId = answer.headers.get('x-request-id') ?? ''
        const { timestamp } = answer.json as { timestamp: string }
        texts.push(answer.text.replaceAll(id, 'ID').replace(requestId, '').replace(timestamp, ''))
      }
      assert.equal(texts[0], texts[1])
    }
  }))

test('404: what is no id, or an id of another kind', async () => {
  const ids = [
    'x',
    '0',
    '-1',
    '1e3',
    '99999999999999999999',
    'vps_',
    'inv_1',
    `usr_${UNKNOWN}`,
    '%00',
  ]
  for (const route of ROUTES) {
    if (route.id === undefined) continue
    for (const id of ids) {
      const answer = await ask(owner.client, route, id)
      assert.ok(answer.status === 404 || answer.status === 400, `${route.place} ${id}`)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json', answer.text)
    }
  }
})

test('lists show nothing of another account’s', async () => {
  for (const route of ROUTES) {
    if (!route.list) continue
    const { text } = await ask(stranger.client, route)
    for (const theirs of [owner.publicId, owner.hostname, invoiceId]) {
      assert.ok(!text.includes(theirs), route.place)
    }
  }
})

test('400: limit, cursor and fields of the query that are wrong', async () => {
  for (const path of [
    ...ROUTES.filter((route) => route.list).map((route) => route.path('')),
    '/v2/products/vps',
  ]) {
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=1.5',
      'limit=1&limit=2',
      'limit=',
      'cursor=x',
      'cursor=',
      'cursor=%00',
      'cursor=MTAw',
      'unknown=1',
    ]) {
      const answer = await owner.client.get(`${path}?${query}`)
      assertRefused(answer, 400, 'invalid_request')
      const { detail, errors } = answer.json as { detail: string; errors: { pointer: string }[] }
      assert.equal(detail, 'The request query failed validation.')
      assert.equal(errors[0]?.pointer, `/${query.split('=')[0]}`, answer.text)
    }
  }
  for (const query of ['name=%00', 'primaryIp=%00']) {
    assertRefused(await owner.client.get(`/v2/vps?${query}`), 400, 'invalid_request')
  }
  const other = await owner.client.get('/v2/vps?limit=1')
  const { nextCursor } = other.json as { nextCursor: string | null }
  if (nextCursor !== null) {
    const answer = await owner.client.get(`/v2/billing/invoices?cursor=${nextCursor}`)
    assertRefused(answer, 400, 'invalid_request')
  }
})

test('unknown addresses: 404 for a key, 401 without one', async () => {
  for (const path of ['/v2/nothing', '/v2/vps/1/nothing', '/v2/order', '/jobs', '/jobs/a/b']) {
    assertRefused(await owner.client.get(path), 404, 'not_found')
    assertRefused(await owner.client.post(path), 404, 'not_found')
    assertRefused(await hostupClient(purser, null).get(path), 401, 'unauthorized')
  }
  const removed = await fetch(`${purser.url}/api/v2/vps`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${owner.customer.key}` },
  })
  assert.equal(removed.status, 404)
})

test('the bare path is the panels’', async () => {
  const answer = await owner.customer.panel({ action: 'balance' })
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.text, /^\{"balance":"/)
})

test('a session works from our own site alone, with the scopes of its role', async () => {
  const cookie = await signedIn(purser, owner.customer, 'owner')
  const bare = hostupWith(purser, { cookie })
  const elsewhere = [
    {},
    { origin: 'https://other.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: purser.url },
  ]
  await nothingMoves(async () => {
    for (const route of ROUTES) {
      for (const headers of elsewhere) {
        const answer = await ask(hostupWith(purser, { cookie, ...headers }), route)
        assertRefused(answer, 401, 'unauthorized')
      }
    }
    assert.equal((await bare.get('/v2/products/vps')).status, 200)
  })
  for (const headers of [{ origin: purser.url }, { 'sec-fetch-site': 'same-origin' }]) {
    const own = hostupWith(purser, { cookie, ...headers })
    for (const route of ROUTES.filter(({ place }) => !place.startsWith('post'))) {
      const answer = await ask(own, route)
      const none = route.place === 'get /api/jobs/{id}'
      assert.equal(answer.status, none ? 404 : 200, `${route.place}: ${answer.text}`)
    }
  }
  const same = { 'sec-fetch-site': 'same-origin' }
  const reader = hostupWith(purser, {
    cookie: await signedIn(purser, owner.customer, 'reader'),
    ...same,
  })
  const support = hostupWith(purser, {
    cookie: await signedIn(purser, owner.customer, 'support'),
    ...same,
  })
  await nothingMoves(async () => {
    for (const route of ROUTES) {
      const writes = route.scope.startsWith('write')
      const read = await ask(reader, route)
      if (writes) assertRefused(read, 403, 'insufficient_scope')
      else assert.notEqual(read.status, 403, route.place)
      const supported = await ask(support, route)
      if (route.scope === 'read:vm') assert.notEqual(supported.status, 403, route.place)
      else assertRefused(supported, 403, 'insufficient_scope')
    }
  })
})

test('a session renews and pays as a key does', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK', credit: '99.00' })
  const rented = await rentedServer(purser, { customer })
  const cookie = await signedIn(purser, customer, 'billing')
  const client = hostupWith(purser, { cookie, 'sec-fetch-site': 'same-origin' })
  const renewed = await client.post(`/v2/vps/${rented.publicId}/actions/renew`)
  assert.equal(renewed.status, 200, renewed.text)
  const { renewalInvoice } = renewed.json as { renewalInvoice: { id: string } }
  const key = { 'idempotency-key': 'session-1' }
  const path = `/v2/billing/invoices/${renewalInvoice.id}/actions/pay`
  const paid = await client.post(path, undefined, key)
  assert.equal(paid.status, 200, paid.text)
  // The key belongs to the account: by its API key the same request is a repeat.
  const again = await rented.client.post(path, undefined, key)
  assert.equal(again.text, paid.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.equal(
    (await walletMoves(purser, rented.customer.id)).filter((line) => /^hold /.test(line)).length,
    1,
  )
})

test('the books balance', () => assertBooksBalance(purser))
