/** Webhooks from the order to the receiver, over both APIs that manage them. */
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { openDatabase } from '../../src/db/database.ts'
import { cleanUpOnce } from '../../src/workers/clean-up.ts'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { keepInProgress } from '../kit/held-delivery.ts'
import { startTestPurser } from '../kit/purser.ts'
import { advanceClock, type Customer, newCustomer, place, setOrder } from '../kit/shop.ts'
import { openWebhookSink, type Received, type WebhookSink } from '../kit/webhook-sink.ts'

const purser = await startTestPurser({
  env: { WEBHOOK_NETWORKS: '127.0.0.0/8', PURSER_TEST_CLOCK: '1' },
})
let sink: WebhookSink = await openWebhookSink()
after(async () => {
  await purser.stop()
  await sink.close()
})
beforeEach(async () => {
  await sink.close()
  sink = await openWebhookSink()
})

interface EndpointAnswer {
  readonly id: string
  readonly url: string
  readonly state: string
  readonly disabled_because: string | null
  readonly failing_since: string | null
  readonly secret: string
}

async function ask(
  customer: Customer,
  how: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const [method = '', path = ''] = how.split(' ')
  return await readAnswer(
    await fetch(`${purser.url}/customer/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${customer.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
}

async function asked<T>(customer: Customer, how: string, body?: unknown): Promise<T> {
  const answer = await ask(customer, how, body)
  assert.ok(answer.status < 300, `${how}: ${answer.text}`)
  return answer.json as T
}

async function newEndpoint(customer: Customer, path = '/'): Promise<EndpointAnswer> {
  return await asked(customer, 'POST /webhook-endpoints', { url: `${sink.url}${path}` })
}

interface MessageAnswer {
  readonly id: string
  readonly event_id: string
  readonly order_id: string | null
  readonly body: string
  readonly state: string
  readonly attempts: number
  readonly last_status: number | null
  readonly last_error: string | null
  readonly is_replay: boolean
}

async function messagesOf(customer: Customer, endpoint: EndpointAnswer) {
  const path = `GET /webhook-endpoints/${endpoint.id}/messages`
  return (await asked<{ data: MessageAnswer[] }>(customer, path)).data
}

const WITHIN_MS = 120_000

async function until<T>(read: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + WITHIN_MS
  for (;;) {
    const value = await read()
    if (fits(value)) return value
    assert.ok(Date.now() < deadline, `it did not come to that: ${JSON.stringify(value)}`)
    await pause(30)
  }
}

/** An order that is in progress, and ends as an operator says. */
async function orderThatEnds(customer: Customer): Promise<bigint> {
  const id = await place(customer, { service: 1, quantity: 10_000 })
  await keepInProgress(purser, id)
  await setOrder(purser, id, { status: 'partial', remains: 2_500 })
  return id
}

function verified(secret: string, { headers, text }: Received): unknown {
  return new Webhook(secret).verify(text, headers)
}

test('every change of an order is told, in order, as documented and signed', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const early = await orderThatEnds(customer)
  const endpoint = await newEndpoint(customer, '/hook?shop=1')
  assert.match(endpoint.secret, /^whsec_[A-Za-z0-9+/]{32}$/)
  const id = await orderThatEnds(customer)

  const [first, second] = await sink.arrived(2)
  assert.ok(first && second)
  assert.equal(first.path, '/hook?shop=1')
  assert.equal(first.headers['content-type'], 'application/json')
  assert.equal(first.body.status, 'In progress')
  const { rows } = await purser.pool.query<{ charge: bigint; refunded: bigint; start: bigint }>(
    'select charge, refunded, start_count as start from service_order where id = $1',
    [id],
  )
  const { charge, refunded, start } = rows[0]!
  assert.equal(
    second.text,
    `{"order_id":${id},"status":"Partial","remains":2500,"start_count":${start},` +
      `"charge":${Number(charge - refunded) / 1e6}}`,
  )
  for (const message of [first, second]) {
    assert.deepEqual(verified(endpoint.secret, message), message.body)
    assert.match(message.headers['webhook-id'] ?? '', /^evt_0_\d+$/)
  }
  const messages = await until(
    () => messagesOf(customer, endpoint),
    (all) => all.length === 2 && all.every((message) => message.state === 'delivered'),
  )
  assert.deepEqual(
    messages.map((message) => [message.event_id, message.body, message.last_status]),
    [second, first].map(({ headers, text }) => [headers['webhook-id'], text, 204]),
  )
  assert.ok(!sink.received.some(({ body }) => body.order_id === Number(early)))

  const feed = await asked<{ data: { id: string; data: unknown }[]; nextCursor: string }>(
    customer,
    'GET /events?limit=3',
  )
  assert.equal(feed.data.length, 3, 'the feed knows what happened before there was an endpoint')
  const rest = await asked<typeof feed>(customer, `GET /events?after=${feed.nextCursor}`)
  const told = [...feed.data, ...rest.data].slice(2)
  assert.deepEqual(
    told.map((event) => [event.id, event.data]),
    [first, second].map(({ headers, body }) => [headers['webhook-id'], body]),
  )
})

test('what fails is sent again, and the later news of an order wait for it', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const endpoint = await newEndpoint(customer)
  let failures = 2
  sink.answer = (): number => (failures-- > 0 ? 500 : 204)
  await orderThatEnds(customer)
  await until(
    () => messagesOf(customer, endpoint),
    (all) => all.length === 2 && sink.received.length >= 1,
  )
  while (sink.received.length < 4) {
    await advanceClock(purser, 40)
    await pause(300)
  }
  const statuses = sink.received.map(({ body }) => body.status)
  assert.deepEqual(statuses, ['In progress', 'In progress', 'In progress', 'Partial'])
  const names = new Set(sink.received.slice(0, 3).map(({ headers }) => headers['webhook-id']))
  assert.equal(names.size, 1)
  const messages = await until(
    () => messagesOf(customer, endpoint),
    (all) => all.every((message) => message.state === 'delivered'),
  )
  assert.deepEqual(
    messages.map((message) => message.attempts),
    [1, 3],
  )
})

test('a redirect is a failure and not followed', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const endpoint = await newEndpoint(customer)
  sink.answer = () => ({ status: 307, headers: { location: `${sink.url}/elsewhere` } })
  await asked(customer, `POST /webhook-endpoints/${endpoint.id}/test`, {})
  const [message] = await until(
    () => messagesOf(customer, endpoint),
    (all) => all[0]?.state === 'failed',
  )
  assert.equal(message?.last_status, 307)
  assert.deepEqual(
    sink.received.map(({ path }) => path),
    ['/'],
  )
})

test('an endpoint that fails for three days is switched off with a notice', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const other = await newCustomer(purser, { credit: '1000.00' })
  const dead = await newEndpoint(customer, '/dead')
  await newEndpoint(other, '/alive')
  sink.answer = ({ path }): number => (path === '/dead' ? 503 : 204)
  await orderThatEnds(customer)
  const read = () => asked<EndpointAnswer>(customer, `GET /webhook-endpoints/${dead.id}`)
  await until(read, (endpoint) => endpoint.failing_since !== null)
  const off = await until(
    async () => {
      await advanceClock(purser, 6 * 60 * 60)
      await pause(400)
      return await read()
    },
    (endpoint) => endpoint.state === 'disabled',
  )
  assert.equal(off.disabled_because, 'failing')
  await orderThatEnds(other)
  await sink.arrived(2, ({ path }) => path === '/alive')
  const { rows } = await purser.pool.query(
    `select kind, account_id, data->>'url' as url from notice where subject = $1 and closed_at is null`,
    [dead.id],
  )
  assert.deepEqual(rows, [
    {
      kind: 'webhook_endpoint.switched_off',
      account_id: BigInt(customer.id),
      url: `${sink.url}/dead`,
    },
  ])
  const left = await messagesOf(customer, dead)
  assert.ok(left.every(({ state }) => state === 'failed' || state === 'discarded'))

  sink.answer = () => 204
  await asked(customer, `POST /webhook-endpoints/${dead.id}/enable`, {})
  const since = new Date(Date.parse(off.failing_since ?? '') - 3_600_000).toISOString()
  const replayed = await asked(customer, `POST /webhook-endpoints/${dead.id}/replay`, { since })
  assert.deepEqual(replayed, { queued: 2, next: null })
  const again = await until(
    () => messagesOf(customer, dead),
    (all) => all.filter(({ state }) => state === 'delivered').length === 2,
  )
  assert.deepEqual(
    again.slice(0, 2).map(({ event_id, is_replay }) => [event_id, is_replay]),
    left.map(({ event_id }) => [event_id, true]),
    'under the same names',
  )
  const open = await purser.pool.query(
    'select from notice where subject = $1 and closed_at is null',
    [dead.id],
  )
  assert.equal(open.rowCount, 0)
})

test('after a rotation both secrets sign, for a day', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const before = await newEndpoint(customer)
  const path = `/webhook-endpoints/${before.id}`
  const rotated = await asked<EndpointAnswer>(customer, `POST ${path}/rotate-secret`, {})
  assert.notEqual(rotated.secret, before.secret)
  assert.deepEqual(await asked(customer, `GET ${path}/secret`), { secret: rotated.secret })
  await asked(customer, `POST ${path}/test`, {})
  const [first] = await sink.arrived(1)
  assert.ok(first)
  verified(before.secret, first)
  verified(rotated.secret, first)
  await advanceClock(purser, 25 * 60 * 60)
  await asked(customer, `POST ${path}/test`, {})
  const [, second] = await sink.arrived(2)
  assert.ok(second)
  verified(rotated.secret, second)
  assert.throws(() => verified(before.secret, second))
  const { rows } = await purser.pool.query<{ secret: string }>(
    'select secret from webhook_endpoint where public_id = $1',
    [before.id],
  )
  assert.ok(!rows[0]?.secret.includes(rotated.secret.slice(6)), 'it is not kept in the clear')
})

test("the account's own field is an endpoint", async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const path = `/accounts/${customer.id}`
  const set = async (webhook_url: string | null) => {
    const answer = await purser.admin('PATCH', path, { webhook_url })
    assert.equal(answer.status, 200, answer.text)
    const read = await purser.admin('GET', path)
    return (read.json as { webhook_url: string | null }).webhook_url
  }
  assert.equal(await set(`${sink.url}/a`), `${sink.url}/a`)
  const listed = await purser.admin('GET', `/webhook-endpoints?account_id=${customer.id}`)
  const [main] = (listed.json as { data: (EndpointAnswer & { is_main: boolean })[] }).data
  assert.ok(main?.is_main)
  await orderThatEnds(customer)
  await sink.arrived(2, (message) => message.path === '/a')
  assert.equal(await set(`${sink.url}/b`), `${sink.url}/b`)
  const { secret } = await asked<EndpointAnswer>(
    customer,
    `GET /webhook-endpoints/${main.id}/secret`,
  )
  await orderThatEnds(customer)
  const [moved] = await sink.arrived(1, (message) => message.path === '/b')
  assert.ok(moved)
  verified(secret, moved)
  const wrong = await purser.admin('PATCH', path, { webhook_url: 'ftp://shop.example' })
  assert.equal(wrong.status, 400)
  const { errors } = wrong.json as { errors: readonly { pointer: string }[] }
  assert.equal(errors[0]?.pointer, '/webhook_url')
  assert.equal(await set(null), null)
  const gone = await ask(customer, `GET /webhook-endpoints/${main.id}`)
  assert.equal(gone.status, 404)
})

test("another account's endpoints do not exist, and keys need their scope", async () => {
  const [owner, stranger] = [await newCustomer(purser), await newCustomer(purser)]
  const endpoint = await newEndpoint(owner)
  const path = `/webhook-endpoints/${endpoint.id}`
  for (const how of [
    `GET ${path}`,
    `GET ${path}/secret`,
    `GET ${path}/messages`,
    `DELETE ${path}`,
  ]) {
    const answer = await ask(stranger, how)
    assert.equal(answer.status, 404, `${how}: ${answer.text}`)
  }
  for (const verb of ['disable', 'enable', 'rotate-secret', 'test', 'replay']) {
    assert.equal((await ask(stranger, `POST ${path}/${verb}`, {})).status, 404, verb)
  }
  assert.equal((await ask(stranger, `PATCH ${path}`, { url: 'https://x.example' })).status, 404)
  const { key } = await owner.addKey({ scopes: ['read:billing'] })
  const reader = { ...owner, key }
  assert.equal((await ask(reader, `GET ${path}`)).status, 200)
  assert.equal((await ask(reader, `GET ${path}/secret`)).status, 403)
  assert.equal((await ask(reader, `POST ${path}/test`, {})).status, 403)
  for (const url of ['ftp://x.example', 'x', 'https://name:word@x.example/', '//x.example']) {
    const answer = await ask(owner, 'POST /webhook-endpoints', { url })
    assert.equal(answer.status, 400, url)
  }
})

test('a repeat under an idempotency key makes one endpoint and shows its secret', async () => {
  const customer = await newCustomer(purser)
  const key = { 'idempotency-key': 'one-endpoint' }
  const body = { url: `${sink.url}/once` }
  const [first, second] = [
    await ask(customer, 'POST /webhook-endpoints', body, key),
    await ask(customer, 'POST /webhook-endpoints', body, key),
  ]
  assert.equal(first.text, second.text)
  const { data } = await asked<{ data: unknown[] }>(customer, 'GET /webhook-endpoints')
  assert.equal(data.length, 1)
})

test('what was sent a month ago is forgotten', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const endpoint = await newEndpoint(customer)
  await orderThatEnds(customer)
  await until(
    () => messagesOf(customer, endpoint),
    (all) => all.length === 2 && all.every(({ state }) => state === 'delivered'),
  )
  const database = openDatabase({ connectionString: purser.pool.options.connectionString ?? '' })
  const now = new Date(Date.now() + 200 * 24 * 60 * 60_000)
  while (await cleanUpOnce({ database, clock: { now: () => now } }));
  await database.close()
  assert.deepEqual(await messagesOf(customer, endpoint), [])
})
