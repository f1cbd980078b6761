/** The source page's renewal, field for field, and what else it answers. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readAnswer } from '../../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { footprint, newCustomer } from '../../kit/shop.ts'
import {
  assertError,
  assertFieldError,
  assertJson,
  assertShape,
  vpsbgClient,
} from '../../kit/vpsbg.ts'
import { newServer, sampleServer, setSampleClock, type VpsbgScene } from '../../kit/vpsbg-scene.ts'

const RENEW = 'post /v1/servers/renew'
const CALCULATE = 'post /v1/servers/renew/calculate'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Order {
  id: number
  created_at: string
  invoices: { id: number; amount: number; amount_with_vat: number }[]
  amount: number
  amount_with_vat: number
  services: {
    amount: number
    amount_with_vat: number
    period_to: number
    service_billing_cycle: number | null
  }[]
}

function clientOf(scene: VpsbgScene) {
  return vpsbgClient(purser, scene.customer.key)
}

/** The page's example, of this server; its first two amounts contradict the others there. */
function sampleOrder(scene: VpsbgScene, order: Order) {
  return {
    id: order.id,
    tax_rate: 1.2,
    amount: 180,
    amount_with_vat: 216,
    amount_from_balance: 0,
    payment_method: 'balance',
    status: 'awaiting_payment',
    type: 'renew-service',
    auto_pay: true,
    promo_applicable: true,
    created_at: order.created_at,
    due_at: '2025-06-19T21:00:00.000000Z',
    payment_date: null,
    invoices: [
      {
        id: order.invoices[0]!.id,
        invoice_number: String(order.id).padStart(10, '0'),
        created_at: '2025-02-09T22:00:00.000000Z',
        amount: 180,
        amount_with_vat: 216,
        type: 'proform',
        order_ids: [order.id],
      },
    ],
    promo: null,
    payment_information: null,
    services: [
      {
        label: `Renewal: Cloud VPS 2 GB - ubuntu-2gb [${scene.address}]`,
        sublabel: scene.address,
        period_from: 1750366800,
        period_to: 1758315600,
        is_period_changeable: true,
        service_id: Number(scene.subscriptionId),
        service_billing_cycle: 3,
        service_minimum_billing_cycle: 1,
        service_type: 'server',
        amount: 75,
        amount_with_vat: 90,
        amount_sublabel: '',
        promo: null,
      },
      {
        label: 'cPanel & WHM license - up to 30 accounts',
        sublabel: null,
        period_from: 1750366800,
        period_to: 1758315600,
        is_period_changeable: false,
        service_id: Number(scene.addonSubscriptionId),
        service_billing_cycle: null,
        service_minimum_billing_cycle: null,
        service_type: 'server-addon',
        amount: 105,
        amount_with_vat: 126,
        amount_sublabel: '',
        promo: null,
      },
    ],
  }
}

/** Σ services = order = Σ invoices. */
function assertSums(order: Order): void {
  const sum = (rows: readonly { amount: number; amount_with_vat: number }[]) => [
    rows.reduce((total, row) => total + row.amount, 0),
    rows.reduce((total, row) => total + row.amount_with_vat, 0),
  ]
  const whole = [order.amount, order.amount_with_vat]
  assert.deepEqual(sum(order.services), whole)
  assert.deepEqual(sum(order.invoices), whole)
}

test('the sample of the source page, every field in its order', async () => {
  const scene = await sampleServer(purser)
  const answer = await clientOf(scene).post('/servers/renew', {
    server_ids: [Number(scene.id)],
    billing_cycle: 3,
  })
  const order = answer.json as Order
  assertJson(answer, RENEW, 200, sampleOrder(scene, order))
  assert.match(order.created_at, /^2025-02-10T16:\d\d:\d\d\.\d{6}Z$/)
  assertSums(order)
})

test("the page's own request: an Accept header that is empty, a body on several lines", async () => {
  const scene = await sampleServer(purser)
  const body = `{\n    "server_ids": [\n        ${scene.id}\n    ],\n    "billing_cycle": 3,\n    "promo_code": "${scene.promoCode}"\n}`
  const answer = await readAnswer(
    await fetch(`${purser.url}/v1/servers/renew`, {
      method: 'POST',
      headers: {
        accept: '',
        'content-type': 'application/json',
        authorization: `Bearer ${scene.customer.key}`,
      },
      body,
    }),
  )
  assertShape(answer, RENEW, 200)
  const order = answer.json as Order & { promo: unknown; promo_applicable: boolean }
  const promo = { code: scene.promoCode, percentage: 10, discount: 7.5, discount_with_vat: 9 }
  assert.deepEqual(order.promo, promo)
  assert.equal(order.promo_applicable, false)
  assert.deepEqual([order.amount, order.amount_with_vat], [172.5, 207])
  assertSums(order)
})

test('with its placeholders it is told which of them stand for nothing', async () => {
  const scene = await sampleServer(purser)
  const body = { server_ids: [2_000_000_000], billing_cycle: 3, promo_code: 'string' }
  assertFieldError(await clientOf(scene).post('/servers/renew', body), RENEW, {
    field: 'server_ids',
    message: 'The server ids field contains a server that does not exist.',
  })
})

test('an order that is open already comes again, changed to what is asked for', async () => {
  const scene = await sampleServer(purser)
  const client = clientOf(scene)
  const first = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  const again = await client.post('/servers/renew', { server_ids: [String(scene.id)] })
  assert.equal(again.text, first.text)
  const monthly = await client.post('/servers/renew', {
    server_ids: [scene.publicId, Number(scene.id)],
    billing_cycle: 1,
  })
  const { id, services, ...order } = monthly.json as Order
  assert.equal(id, (first.json as Order).id)
  assert.deepEqual([order.amount, order.amount_with_vat], [65, 78])
  assert.deepEqual(
    services.map((line) => [line.amount, line.service_billing_cycle, line.period_to]),
    [
      [30, 1, 1752958800],
      [35, null, 1752958800],
    ],
  )
  assertSums(monthly.json as Order)
})

test('several servers are one order, and another set of them is refused', async () => {
  const scene = await sampleServer(purser)
  const other = await newServer(purser, scene, { hostname: 'second' })
  const client = clientOf(scene)
  const both = await client.post('/servers/renew', {
    server_ids: [Number(scene.id), Number(other.id)],
  })
  assertShape(both, RENEW, 200)
  const order = both.json as Order
  assert.equal(order.services.length, 3)
  assertSums(order)
  const one = await client.post('/servers/renew', { server_ids: [Number(other.id)] })
  assertShape(one, RENEW, 400)
  const { code, message } = one.json as { code: string; message: string }
  assert.equal(code, 'existing_invoice_blocking')
  assert.match(message, new RegExp(`\\b${order.id}\\b`))
})

test('what is wrong with a field is told by its name', async () => {
  const scene = await sampleServer(purser)
  const client = clientOf(scene)
  const server_ids = [Number(scene.id)]
  const before = await footprint(purser, scene.customer.id)
  const cases: [body: unknown, field: string, message: string][] = [
    [{}, 'server_ids', 'The server ids field is required.'],
    [{ server_ids: [] }, 'server_ids', 'The server ids field must have at least 1 item.'],
    [{ server_ids: 3321 }, 'server_ids', 'The server ids field must be a list.'],
    [
      { server_ids: [1.5] },
      'server_ids.0',
      'The server ids.0 field must be an integer or a string.',
    ],
    [
      { server_ids: [null] },
      'server_ids.0',
      'The server ids.0 field must be an integer or a string.',
    ],
    [
      { server_ids: ['vps_0\u0000'] },
      'server_ids',
      'The server ids field contains a server that does not exist.',
    ],
    [
      { server_ids: [0] },
      'server_ids',
      'The server ids field contains a server that does not exist.',
    ],
    [
      { server_ids, billing_cycle: '3' },
      'billing_cycle',
      'The billing cycle field must be an integer.',
    ],
    [
      { server_ids, billing_cycle: 0 },
      'billing_cycle',
      'The billing cycle field must be at least 1.',
    ],
    [
      { server_ids, billing_cycle: 25 },
      'billing_cycle',
      'The billing cycle field must be at most 24.',
    ],
    [
      { server_ids, billing_cycle: 7 },
      'billing_cycle',
      'The billing cycle field must be a cycle that all of it is sold for.',
    ],
    [{ server_ids, promo_code: 5 }, 'promo_code', 'The promo code field must be a string.'],
    [
      { server_ids, promo_code: 'a\u0000b' },
      'promo_code',
      'The promo code field contains a character that is not text.',
    ],
    [[], 'body', 'The body field must be an object.'],
  ]
  for (const [body, field, message] of cases) {
    assertFieldError(await client.post('/servers/renew', body), RENEW, { field, message })
    assertFieldError(await client.post('/servers/renew/calculate', body), CALCULATE, {
      field,
      message,
    })
  }
  for (const path of ['/servers/renew', '/servers/renew/calculate']) {
    const unknown = await client.post(path, { server_ids, promo_code: 'string' })
    assertShape(unknown, `post /v1${path}`, 422)
    assert.deepEqual(Object.keys((unknown.json as { errors: object }).errors), ['promo_code'])
  }
  assert.deepEqual(await footprint(purser, scene.customer.id), before)
})

test('two wrong fields are both named, and the message counts them', async () => {
  const scene = await sampleServer(purser)
  const answer = await clientOf(scene).post('/servers/renew', {
    server_ids: 'x',
    billing_cycle: 'three',
  })
  assertError(answer, RENEW, {
    status: 422,
    code: 'invalid_input',
    message: 'The server ids field must be a list. (and 1 more error)',
    errors: {
      server_ids: ['The server ids field must be a list.'],
      billing_cycle: ['The billing cycle field must be an integer.'],
    },
  })
})

test('null and an empty code are none; a field that nobody asked for changes nothing', async () => {
  const scene = await sampleServer(purser)
  const client = clientOf(scene)
  const plain = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  for (const more of [
    { promo_code: null, billing_cycle: null },
    { promo_code: '' },
    { promo_code: '  ', shoe_size: 43 },
  ]) {
    const answer = await client.post('/servers/renew', { server_ids: [Number(scene.id)], ...more })
    assert.equal(answer.text, plain.text)
  }
})

test("another account's server is none", async () => {
  const scene = await sampleServer(purser)
  const stranger = await newCustomer(purser)
  for (const name of [Number(scene.id), scene.publicId]) {
    for (const path of ['/servers/renew', '/servers/renew/calculate']) {
      assertFieldError(
        await vpsbgClient(purser, stranger.key).post(path, { server_ids: [name] }),
        `post /v1${path}`,
        {
          field: 'server_ids',
          message: 'The server ids field contains a server that does not exist.',
        },
      )
    }
  }
})

test('calculate: what the order will come to', async () => {
  const scene = await sampleServer(purser)
  const client = clientOf(scene)
  const server_ids = [Number(scene.id)]
  const plain = await client.post('/servers/renew/calculate', { server_ids, billing_cycle: 3 })
  assertJson(plain, CALCULATE, 200, {
    amount: 180,
    amount_with_vat: 216,
    discount: 0,
    discount_with_vat: 0,
    promo_code: null,
  })
  const promo = { server_ids, billing_cycle: 3, promo_code: scene.promoCode }
  assertJson(await client.post('/servers/renew/calculate', promo), CALCULATE, 200, {
    amount: 172.5,
    amount_with_vat: 207,
    discount: 7.5,
    discount_with_vat: 9,
    promo_code: {
      code: scene.promoCode,
      percentage: 10,
      minimum_billing_cycle: 3,
      due_today_amount: 172.5,
      due_today_amount_with_vat: 207,
      promo_amount: 7.5,
    },
  })
  const order = (await client.post('/servers/renew', promo)).json as Order
  assert.deepEqual([order.amount, order.amount_with_vat], [172.5, 207])
})

test('the books balance', () => assertBooksBalance(purser))
