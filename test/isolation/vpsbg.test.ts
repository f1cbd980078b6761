/** VPSBG's routes on what is another account's: as if it did not exist, and nothing moves. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../kit/answer.ts'
import { committed } from '../kit/documented.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'
import { footprint } from '../kit/shop.ts'
import { vpsbgClient } from '../kit/vpsbg.ts'
import { sampleServer, setSampleClock, type VpsbgScene } from '../kit/vpsbg-scene.ts'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Owned {
  readonly scene: VpsbgScene
  readonly orderId: number
}

async function owned(): Promise<Owned> {
  const scene = await sampleServer(purser, { credit: '500.00' })
  const client = vpsbgClient(purser, scene.customer.key)
  const answer = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  assert.equal(answer.status, 200, answer.text)
  return { scene, orderId: (answer.json as { id: number }).id }
}

const theirs = await owned()
const own = await owned()
const stranger = vpsbgClient(purser, own.scene.customer.key)

/** A name of theirs, and one of the same kind that nothing goes by. */
interface Names {
  readonly found: string | number
  readonly absent: string | number
}
const SERVER_NAMES: readonly Names[] = [
  { found: Number(theirs.scene.id), absent: 900_000_000 },
  { found: theirs.scene.publicId, absent: theirs.scene.publicId.replace(/.{4}$/, '0000') },
]
const ORDER_NAMES: readonly Names[] = [{ found: theirs.orderId, absent: 900_000_000 }]
const LINE_NAMES: readonly Names[] = [
  { found: Number(theirs.scene.subscriptionId), absent: 900_000_000 },
]
const headers = { 'idempotency-key': 'theirs' }

/** Every route, with how a request can name what is another's; none: it names nothing. */
const WAYS: Readonly<
  Record<string, { names: readonly Names[]; ask(name: string | number): Promise<Answer> }[]>
> = {
  'get /v1/servers': [],
  'get /v1/servers/plans': [],
  'get /v1/servers/{id}': [{ names: SERVER_NAMES, ask: (id) => stranger.get(`/servers/${id}`) }],
  'get /v1/servers/{id}/status': [
    { names: SERVER_NAMES, ask: (id) => stranger.get(`/servers/${id}/status`) },
  ],
  'post /v1/servers/renew': [
    {
      names: SERVER_NAMES,
      ask: (id) => stranger.post('/servers/renew', { server_ids: [id] }, headers),
    },
    {
      names: SERVER_NAMES,
      ask: (id) => stranger.post('/servers/renew', { server_ids: [Number(own.scene.id), id] }),
    },
  ],
  'post /v1/servers/renew/calculate': [
    {
      names: SERVER_NAMES,
      ask: (id) => stranger.post('/servers/renew/calculate', { server_ids: [id] }),
    },
  ],
  'get /v1/orders': [],
  'get /v1/orders/{id}': [{ names: ORDER_NAMES, ask: (id) => stranger.get(`/orders/${id}`) }],
  'delete /v1/orders/{id}': [
    { names: ORDER_NAMES, ask: (id) => stranger.delete(`/orders/${id}`, headers) },
  ],
  'patch /v1/orders/{id}': [
    { names: ORDER_NAMES, ask: (id) => stranger.patch(`/orders/${id}`, { auto_pay: false }) },
  ],
  'patch /v1/orders/{id}/{service_type}/{service_id}': [
    {
      names: ORDER_NAMES,
      ask: (id) =>
        stranger.patch(`/orders/${id}/server/${own.scene.subscriptionId}`, { billing_cycle: 1 }),
    },
    {
      names: LINE_NAMES,
      ask: (id) => stranger.patch(`/orders/${own.orderId}/server/${id}`, { billing_cycle: 1 }),
    },
  ],
  'post /v1/orders/pay': [
    { names: ORDER_NAMES, ask: (id) => stranger.post('/orders/pay', { order_ids: [id] }, headers) },
    {
      names: ORDER_NAMES,
      ask: (id) => stranger.post('/orders/pay', { order_ids: [own.orderId, id] }),
    },
  ],
  'get /v1/balance': [],
  'get /v1/balance/transactions': [],
  'get /v1/invoices': [],
}

async function state(): Promise<unknown> {
  const ids = [theirs, own].map(({ scene }) => scene.customer.id)
  return await Promise.all(ids.map((id) => footprint(purser, id)))
}

const withoutId = (answer: Answer) => answer.text.replace(/"request_id":"[^"]+"/, '')

test('the table names every route of the document', () => {
  const documented = Object.entries(committed.get('vpsbg')?.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  assert.deepEqual(Object.keys(WAYS).sort(), documented.sort())
})

for (const [place, ways] of Object.entries(WAYS)) {
  for (const [at, { names, ask }] of ways.entries()) {
    test(`${place}, way ${at + 1}: what is another's is as what does not exist`, async () => {
      const before = await state()
      for (const name of names) {
        const found = await ask(name.found)
        const absent = await ask(name.absent)
        assert.ok([404, 422].includes(found.status), found.text)
        assert.equal(found.status, absent.status)
        assert.equal(withoutId(found), withoutId(absent))
        const keys = [found, absent].map((answer) => [...answer.headers.keys()].sort())
        assert.deepEqual(keys[0], keys[1])
      }
      assert.deepEqual(await state(), before)
    })
  }
}

test("lists hold what is one's own, and nothing else", async () => {
  const hostnames = [theirs, own].map(({ scene }) => scene.address)
  for (const path of ['/servers', '/orders', '/balance/transactions', '/invoices']) {
    const { text } = await stranger.get(`${path}?per_page=50`)
    assert.ok(!text.includes(hostnames[0]!), text)
    assert.ok(!text.includes(`"order_ids":[${theirs.orderId}]`), text)
    assert.equal((JSON.parse(text) as { meta: { total: number } }).meta.total, 1, text)
  }
  const search = await stranger.get(`/servers?filter[search]=${hostnames[0]}`)
  assert.deepEqual((search.json as { data: unknown[] }).data, [])
})

test('the books balance', () => assertBooksBalance(purser))
