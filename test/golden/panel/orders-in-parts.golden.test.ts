/** Orders in parts as customers see them, and what operators do with them. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, assertError, assertWire } from '../../kit/answer.ts'
import { changed, created } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { newCustomer, orderNumber, orderRow, transfersOf } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '1000.00' })
const category = await created(purser, '/categories', { name: 'In parts' })
let users = 0

async function newService(type: string, fields: Record<string, unknown> = {}): Promise<string> {
  const { id } = await created(purser, '/services', {
    type,
    category_id: category.id,
    name: `${type} ${++users}`,
    min_quantity: 1,
    max_quantity: 10_000,
    can_dripfeed: type === 'Default',
    prices: [{ currency: 'USD', rate: '1' }],
    ...fields,
  })
  return id
}

const dripped = await newService('Default')
const subscription = await newService('Subscriptions')

interface Shown {
  readonly id: string
  readonly state: string
  readonly charge: string
  readonly quantity: number
  readonly link: string
  readonly part: number | null
}

async function partsOf(id: bigint): Promise<Shown[]> {
  const answer = await purser.admin('GET', `/orders/${id}/parts?limit=100`)
  assert.equal(answer.status, 200, answer.text)
  return (answer.json as { data: Shown[] }).data
}

/** Waits until the provider has `count` parts of an order. */
async function takenParts(id: bigint, count: number): Promise<Shown[]> {
  for (;;) {
    const { rows } = await purser.pool.query(
      'select from service_order where parent_id = $1 and provider_ref is not null',
      [id],
    )
    if (rows.length === count) return await partsOf(id)
    await pause(50)
  }
}

async function endPart(part: Shown, outcome: string, delivered: number): Promise<void> {
  await changed(purser, `PUT /drivers/simulated/deliveries/${part.id}`, { outcome, delivered })
}

async function reachState(id: bigint, state: string): Promise<void> {
  while ((await orderRow(purser, id)).state !== state) await pause(50)
}

async function addDrip(runs = 2): Promise<bigint> {
  const fields = { service: dripped, link: 'https://shop.example', quantity: 1_000, runs }
  return orderNumber(await customer.panel({ action: 'add', ...fields, interval: 1_000 }))
}

async function subscribe(fields: Record<string, unknown> = {}): Promise<Answer> {
  return await purser.admin('POST', '/orders', {
    account_id: String(customer.id),
    service_id: subscription,
    username: `user-${++users}`,
    min: 100,
    max: 200,
    delay: 0,
    posts: 2,
    ...fields,
  })
}

const ask = async (action: string, id: bigint | string) =>
  await customer.panel({ action, [action === 'cancel' ? 'orders' : 'order']: String(id) })

test('a drip-feed is charged for all its runs, and its runs are nobody else’s to see', async () => {
  const id = await addDrip()
  const [run] = await takenParts(id, 1)
  assert.deepEqual([run!.charge, run!.quantity, run!.part], ['0.00', 1_000, 1])
  await reachState(id, 'in_progress')
  const { start_count } = await orderRow(purser, id)
  assert.match(
    (await ask('status', id)).text,
    new RegExp(
      `^{"charge":"2.00000","start_count":"${start_count}","status":"In progress","remains":"\\d+","currency":"USD"}$`,
    ),
  )
  assertError(await ask('status', run!.id), 404, /^Incorrect order ID$/)
  assertWire(
    await ask('cancel', run!.id),
    200,
    `[{"order":${run!.id},"error":"Incorrect order ID"}]`,
  )
  const multi = await customer.panel({ action: 'multiStatus', orders: run!.id })
  assertWire(multi, 200, `{"${run!.id}":{"error":"Incorrect order ID"}}`)
  const listed = await purser.admin('GET', `/orders?account_id=${customer.id}`)
  assert.ok(!(listed.json as { data: Shown[] }).data.some((order) => order.id === run!.id))
  assert.equal((await purser.admin('GET', `/orders/${run!.id}`)).status, 200)
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 2000000'])
  assert.deepEqual(await transfersOf(purser, BigInt(run!.id)), [])
  await endPart(run!, 'completed', 1_000)
  assertWire(await ask('cancel', id), 200, `[{"order":${id},"cancel":{"status":"success"}}]`)
  while ((await orderRow(purser, id)).state !== 'canceled') await pause(50)
  const row = await orderRow(purser, id)
  assert.deepEqual([row.remains, row.refunded], [1_000n, 1_000_000n])
})

test('a drip-feed that nobody was given is canceled and all refunded', async () => {
  const id = await addDrip()
  assertWire(await ask('cancel', id), 200, `[{"order":${id},"cancel":{"status":"success"}}]`)
  await reachState(id, 'canceled')
  const row = await orderRow(purser, id)
  assert.equal(row.refunded, (row.charge * row.remains) / row.quantity)
})

test('customers cannot order a subscription, operators can', async () => {
  const fields = { service: subscription, username: 'anna', min: 1, max: 2, delay: 0 }
  assertError(
    await customer.panel({ action: 'add', ...fields }),
    400,
    /^Subscriptions are created on the customer site, not through the API$/,
  )
  const wrong = await subscribe({ min: 300 })
  assert.equal(wrong.status, 400, wrong.text)
  const poor = await newCustomer(purser)
  const unpaid = await subscribe({ account_id: String(poor.id) })
  assert.equal((unpaid.json as { code: string }).code, 'insufficient_funds')
})

test('a subscription delivers to each new post, and its customer sees one order', async () => {
  const made = await subscribe({ username: 'anna' })
  assert.equal(made.status, 201, made.text)
  const id = BigInt((made.json as Shown).id)
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 400000'])
  assertWire(
    await ask('status', id),
    200,
    '{"charge":"0.40000","start_count":"0","status":"Pending","remains":"400","currency":"USD"}',
  )
  const links = ['https://posts.example/1', 'https://posts.example/2']
  await changed(purser, 'PUT /drivers/simulated/posts', { username: 'anna', links })
  const parts = await takenParts(id, 2)
  assert.deepEqual(
    parts.map((part) => part.link),
    links,
  )
  for (const part of parts) await endPart(part, 'completed', part.quantity)
  const delivered = parts.reduce((sum, part) => sum + part.quantity, 0)
  const remains = BigInt(400 - delivered)
  await reachState(id, remains === 0n ? 'completed' : 'partial')
  const row = await orderRow(purser, id)
  assert.deepEqual([row.remains, row.refunded], [remains, remains * 1_000n])
})

test('a repeat of a subscription under its key is the same order', async () => {
  const body = {
    account_id: String(customer.id),
    service_id: subscription,
    ...{ username: 'bert', min: 1, max: 1, delay: 0 },
  }
  const headers = { 'Idempotency-Key': 'subscribe-once' }
  const [first, second] = [
    await purser.admin('POST', '/orders', body, { headers }),
    await purser.admin('POST', '/orders', body, { headers }),
  ]
  assert.equal(first.status, 201, first.text)
  assert.equal((second.json as Shown).id, (first.json as Shown).id)
  assert.equal(second.headers.get('idempotent-replayed'), 'true')
})

test('a subscription is paused, resumed, and stopped', async () => {
  const id = (
    await created(purser, '/orders', {
      account_id: String(customer.id),
      service_id: subscription,
      ...{ username: 'carl', min: 10, max: 10, delay: 0, posts: 3 },
    })
  ).id
  await changed(purser, `POST /orders/${id}/pause`)
  await changed(purser, `POST /orders/${id}/pause`)
  const links = ['https://posts.example/carl']
  await changed(purser, 'PUT /drivers/simulated/posts', { username: 'carl', links })
  const paused = await purser.admin('GET', `/orders/${id}`)
  assert.notEqual((paused.json as { paused_at: string | null }).paused_at, null)
  await changed(purser, `POST /orders/${id}/resume`)
  const [part] = await takenParts(BigInt(id), 1)
  await endPart(part!, 'completed', 10)
  while ((await partsOf(BigInt(id)))[0]?.state !== 'completed') await pause(50)
  const stopped = await purser.admin('POST', `/orders/${id}/stop`, {})
  assert.equal(stopped.status, 200, stopped.text)
  assert.equal((stopped.json as Shown).state, 'canceled')
  const row = await orderRow(purser, BigInt(id))
  assert.deepEqual([row.remains, row.refunded], [20n, 20_000n])
  const again = await purser.admin('POST', `/orders/${id}/stop`, {})
  assert.equal((again.json as { code: string }).code, 'invalid_state')
})

test('the books balance', () => assertBooksBalance(purser))
