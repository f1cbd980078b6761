/** Orders: reading, changing and deleting them. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { footprint, newCustomer } from '../../kit/shop.ts'
import {
  assertError,
  assertFieldError,
  assertShape,
  onePage,
  type VpsbgClient,
  vpsbgClient,
} from '../../kit/vpsbg.ts'
import { newServer, sampleServer, setSampleClock, type VpsbgScene } from '../../kit/vpsbg-scene.ts'

const LIST = 'get /v1/orders'
const ONE = 'get /v1/orders/{id}'
const DELETE = 'delete /v1/orders/{id}'
const UPDATE = 'patch /v1/orders/{id}'
const PERIOD = 'patch /v1/orders/{id}/{service_type}/{service_id}'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Order {
  id: number
  status: string
  amount: number
  amount_with_vat: number
  auto_pay: boolean
  payment_method: string
  promo: unknown
  promo_applicable: boolean
  services: {
    service_id: number
    amount: number
    period_to: number
    is_period_changeable: boolean
  }[]
}

/** A server with an open order for it. */
async function opened(o: { credit?: string } = {}): Promise<{
  scene: VpsbgScene
  client: VpsbgClient
  answer: Answer
  order: Order
}> {
  const scene = await sampleServer(purser, o)
  const client = vpsbgClient(purser, scene.customer.key)
  const answer = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  return { scene, client, answer, order: answer.json as Order }
}

test('an order is read as it was answered when it was made', async () => {
  const { client, answer, order } = await opened()
  const read = await client.get(`/orders/${order.id}`)
  assert.equal(read.text, answer.text)
  assertShape(read, ONE, 200)
})

test('the list has whole orders, newest first, with links and counts', async () => {
  const { scene, client, order } = await opened()
  const other = await newServer(purser, scene, { hostname: 'second' })
  const second = await client.post('/servers/renew', { server_ids: [Number(other.id)] })
  const listed = await client.get('/orders')
  assertShape(listed, LIST, 200)
  assert.deepEqual(listed.json, onePage(`${purser.url}/v1/orders`, [second.json, order]))
  const paged = await client.get('/orders?per_page=1&page=2')
  assertShape(paged, LIST, 200)
  const page = paged.json as { data: Order[]; meta: { from: number; to: number; total: number } }
  assert.deepEqual(
    page.data.map((row) => row.id),
    [order.id],
  )
  assert.deepEqual([page.meta.from, page.meta.to, page.meta.total], [2, 2, 2])
})

test('filter[status] chooses; deleted orders are only shown when asked for', async () => {
  const { client, order } = await opened({ credit: '1000.00' })
  const ids = async (query: string) => {
    const answer = await client.get(`/orders${query}`)
    assertShape(answer, LIST, 200)
    return (answer.json as { data: Order[] }).data.map((row) => row.id)
  }
  assert.deepEqual(await ids(''), [order.id])
  assert.deepEqual(await ids('?filter[status]=paid'), [])
  assert.deepEqual(await ids('?filter%5Bstatus%5D=awaiting_payment,paid'), [order.id])
  assertShape(
    await client.post('/orders/pay', { order_ids: [order.id] }),
    'post /v1/orders/pay',
    200,
  )
  assert.deepEqual(await ids('?filter[status]=paid'), [order.id])
  assert.deepEqual(await ids('?filter[status]=awaiting_payment'), [])
  const next = await client.post('/servers/renew', { server_ids: [order.id] })
  assert.equal(next.status, 422, next.text)
  assertFieldError(await client.get('/orders?filter[status]=open'), LIST, {
    field: 'filter[status]',
    message:
      'The filter[status] field must be one or several of: awaiting_payment, processing, paid, cancelled.',
  })
})

test('delete: 204 without a body; the order is cancelled, and the server can be renewed anew', async () => {
  const { scene, client, order } = await opened()
  const deleted = await client.delete(`/orders/${order.id}`)
  assert.deepEqual([deleted.status, deleted.text], [204, ''])
  assert.deepEqual(((await client.get('/orders')).json as { data: Order[] }).data, [])
  const shown = await client.get('/orders?filter[status]=cancelled')
  const [cancelled] = (shown.json as { data: Order[] }).data
  assert.ok(cancelled)
  const services = order.services.map((line) => ({ ...line, is_period_changeable: false }))
  assert.deepEqual(cancelled, {
    ...order,
    status: 'cancelled',
    promo_applicable: false,
    services,
  })
  const again = await client.delete(`/orders/${order.id}`)
  assertShape(again, DELETE, 400)
  assert.equal((again.json as { code: string }).code, 'invalid_state')
  const paid = await client.post('/orders/pay', { order_ids: [order.id] })
  assertError(paid, 'post /v1/orders/pay', {
    status: 400,
    code: 'invalid_state',
    message: `Order ${order.id} is cancelled. Nothing was taken.`,
  })
  const anew = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  assert.equal(anew.status, 200, anew.text)
  assert.notEqual((anew.json as Order).id, order.id)
})

test('update: how it is paid, whether by itself, and with which code', async () => {
  const { scene, client, order } = await opened()
  const path = `/orders/${order.id}`
  const manual = await client.patch(path, { payment_method: 'card', auto_pay: false })
  assertShape(manual, UPDATE, 200)
  assert.deepEqual(manual.json, { ...order, payment_method: 'card', auto_pay: false })
  const coded = await client.patch(path, { promo_code: scene.promoCode })
  assertShape(coded, UPDATE, 200)
  const { amount, amount_with_vat, promo, promo_applicable } = coded.json as Order
  assert.deepEqual([amount, amount_with_vat, promo_applicable], [172.5, 207, false])
  const discount = { code: scene.promoCode, percentage: 10, discount: 7.5, discount_with_vat: 9 }
  assert.deepEqual(promo, discount)
  const bare = await client.patch(path, { promo_code: null, payment_method: 'balance' })
  assert.deepEqual(bare.json, { ...order, auto_pay: false })
  assert.equal((await client.get(path)).text, bare.text)
})

test('a code that a new cycle excludes falls away; nobody is told of a field not sent', async () => {
  const { scene, client, order } = await opened()
  const path = `/orders/${order.id}`
  const server_ids = [Number(scene.id)]
  for (const shorten of [
    () => client.post('/servers/renew', { server_ids, billing_cycle: 1 }),
    () => client.patch(`${path}/server/${scene.subscriptionId}`, { billing_cycle: 1 }),
  ]) {
    const coded = await client.post('/servers/renew', {
      server_ids,
      billing_cycle: 3,
      promo_code: scene.promoCode,
    })
    // Asked for again without it, the order keeps it.
    const again = await client.post('/servers/renew', { server_ids, billing_cycle: 3 })
    assert.equal(again.text, coded.text)
    assert.equal((again.json as Order).amount, 172.5)
    const shorter = await shorten()
    assert.ok(shorter.status < 300, shorter.text)
    const { amount, promo, promo_applicable } = (await client.get(path)).json as Order
    assert.deepEqual([amount, promo, promo_applicable], [65, null, true])
  }
})

test('update: what is wrong is named, and nothing is changed', async () => {
  const { client, order } = await opened()
  const path = `/orders/${order.id}`
  for (const [body, field, message] of [
    [{ payment_method: 'bitcoin' }, 'payment_method', 'must be one of: balance, card'],
    [{ payment_method: 5 }, 'payment_method', 'must be a string'],
    [{ auto_pay: 'yes' }, 'auto_pay', 'must be true or false'],
    [{ promo_code: ['x'] }, 'promo_code', 'must be a string'],
  ] as const) {
    const name = field.replaceAll('_', ' ')
    assertFieldError(await client.patch(path, body), UPDATE, {
      field,
      message: `The ${name} field ${message}.`,
    })
  }
  const unknown = await client.patch(path, { promo_code: 'no-such-code', auto_pay: false })
  assertShape(unknown, UPDATE, 422)
  assert.deepEqual(Object.keys((unknown.json as { errors: object }).errors), ['promo_code'])
  assert.deepEqual((await client.get(path)).json, order)
})

test("a line's period: the server's own from now on, its addons with it", async () => {
  const { scene, client, order } = await opened()
  const path = `/orders/${order.id}/server/${scene.subscriptionId}`
  const changed = await client.patch(path, { billing_cycle: 1 })
  assert.deepEqual([changed.status, changed.text], [204, ''])
  const { services, ...now } = (await client.get(`/orders/${order.id}`)).json as Order
  assert.deepEqual([now.amount, now.amount_with_vat], [65, 78])
  assert.deepEqual(
    services.map((line) => [line.amount, line.period_to]),
    [
      [30, 1752958800],
      [35, 1752958800],
    ],
  )
  const server = (await client.get(`/servers/${scene.id}`)).json as { billing_cycle: number }
  assert.equal(server.billing_cycle, 1)
  for (const [body, field] of [
    [{}, 'billing_cycle'],
    [{ billing_cycle: null }, 'billing_cycle'],
    [{ billing_cycle: 'x' }, 'billing_cycle'],
    [{ billing_cycle: 7 }, 'billing_cycle'],
    [{ billing_cycle: 3, promo_code: 'no-such-code' }, 'promo_code'],
  ] as const) {
    const answer = await client.patch(path, body)
    assertShape(answer, PERIOD, 422)
    assert.deepEqual(Object.keys((answer.json as { errors: object }).errors), [field])
  }
  const addon = `/orders/${order.id}/server-addon/${scene.addonSubscriptionId}`
  const refused = await client.patch(addon, { billing_cycle: 1 })
  assertShape(refused, PERIOD, 400)
  for (const nowhere of [
    `/orders/${order.id}/server/2000000000`,
    `/orders/${order.id}/server-addon/${scene.subscriptionId}`,
    `/orders/${order.id}/floating-ip/${scene.subscriptionId}`,
    `/orders/${order.id}/server/x`,
    `/orders/2000000000/server/${scene.subscriptionId}`,
  ]) {
    const answer = await client.patch(nowhere, { billing_cycle: 3 })
    assert.equal(answer.status, 404, `${nowhere}: ${answer.text}`)
    assertShape(answer, PERIOD, 404)
  }
})

test("another account's order is none, whatever is asked of it", async () => {
  const { scene, order } = await opened()
  const stranger = await newCustomer(purser, { credit: '1000.00' })
  const client = vpsbgClient(purser, stranger.key)
  const before = await footprint(purser, scene.customer.id)
  const missing = { status: 404, code: 'not_found', message: 'No such object.' }
  for (const id of [order.id, 2_000_000_000]) {
    assertError(await client.get(`/orders/${id}`), ONE, missing)
    assertError(await client.delete(`/orders/${id}`), DELETE, missing)
    assertError(await client.patch(`/orders/${id}`, { auto_pay: false }), UPDATE, missing)
    const period = `/orders/${id}/server/${scene.subscriptionId}`
    assertError(await client.patch(period, { billing_cycle: 1 }), PERIOD, missing)
    assertFieldError(await client.post('/orders/pay', { order_ids: [id] }), 'post /v1/orders/pay', {
      field: 'order_ids',
      message: 'The order ids field contains an order that does not exist.',
    })
  }
  assert.deepEqual(await footprint(purser, scene.customer.id), before)
})

test('the books balance', () => assertBooksBalance(purser))
