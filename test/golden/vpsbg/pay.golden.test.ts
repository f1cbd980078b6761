/** Paying orders: each answer with the state of the books behind it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { saveCard } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { expiryOf, walletMoves } from '../../kit/servers.ts'
import { footprint, injectFault, newCustomer } from '../../kit/shop.ts'
import { walletOf } from '../../kit/two-pursers.ts'
import { assertError, assertFieldError, assertShape, vpsbgClient } from '../../kit/vpsbg.ts'
import { newServer, sampleServer, setSampleClock, type VpsbgScene } from '../../kit/vpsbg-scene.ts'

const PAY = 'post /v1/orders/pay'
const GROSS = 216_000_000n

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Order {
  id: number
  status: string
  amount: number
  amount_with_vat: number
  amount_from_balance: number
  payment_date: string | null
  services: object[]
  invoices: { invoice_number: string; type: string }[]
}

/** A server with an open order, and `credit` in its customer's wallet. */
async function opened(credit?: string) {
  const scene = await sampleServer(purser, credit === undefined ? {} : { credit })
  const client = vpsbgClient(purser, scene.customer.key)
  return { scene, client, order: await orderFor(scene) }
}

async function orderFor(scene: VpsbgScene, id = scene.id): Promise<Order> {
  const client = vpsbgClient(purser, scene.customer.key)
  const answer = await client.post('/servers/renew', { server_ids: [Number(id)] })
  assert.equal(answer.status, 200, answer.text)
  return answer.json as Order
}

test('paid from the balance: the order with its original invoice, one period more', async () => {
  const { scene, client, order } = await opened('300.00')
  const answer = await client.post('/orders/pay', { order_ids: [order.id] })
  assertShape(answer, PAY, 200)
  const [paid] = (answer.json as { data: Order[] }).data
  assert.ok(paid)
  assert.match(paid.payment_date ?? '', /^2025-02-10T16:\d\d:\d\d\.\d{6}Z$/)
  assert.match(paid.invoices[0]?.invoice_number ?? '', /^1\d{9}$/)
  const services = order.services.map((line) => ({ ...line, is_period_changeable: false }))
  assert.deepEqual(answer.json, {
    data: [
      {
        ...order,
        amount_from_balance: 216,
        status: 'paid',
        promo_applicable: false,
        payment_date: paid.payment_date,
        invoices: [{ ...order.invoices[0], ...paid.invoices[0], type: 'original' }],
        services,
      },
    ],
  })
  assert.deepEqual(await walletMoves(purser, scene.customer.id), [
    'credit credit_granted>wallet 300000000',
    'hold wallet>held 216000000',
    'hold_end held>revenue 180000000',
    'hold_end held>tax 36000000',
  ])
  assert.deepEqual(await expiryOf(purser, scene), new Date(1758315600_000))
  const read = await client.get(`/orders/${order.id}`)
  assert.deepEqual(read.json, paid)
})

test('paid already: 400, and nothing is taken', async () => {
  const { scene, client, order } = await opened('500.00')
  await client.post('/orders/pay', { order_ids: [order.id] })
  assertError(await client.post('/orders/pay', { order_ids: [order.id] }), PAY, {
    status: 400,
    code: 'already_paid',
    message: `Order ${order.id} has been paid already. Nothing was taken.`,
  })
  assert.equal(await walletOf(purser, scene.customer.id), 500_000_000n - GROSS)
})

test('too little in the balance: 400, and nothing is left behind', async () => {
  const { scene, client, order } = await opened('215.99')
  const before = await footprint(purser, scene.customer.id)
  const key = { 'idempotency-key': 'poor' }
  for (const headers of [{}, key, key]) {
    assertError(await client.post('/orders/pay', { order_ids: [order.id] }, headers), PAY, {
      status: 400,
      code: 'insufficient_funds',
      message: 'The balance is too low. Nothing was taken.',
    })
  }
  assert.deepEqual(await footprint(purser, scene.customer.id), before)
  await scene.customer.credit('0.01')
  const paid = await client.post('/orders/pay', { order_ids: [order.id] }, key)
  assertShape(paid, PAY, 200)
  assert.equal(await walletOf(purser, scene.customer.id), 0n)
})

test('all or none: of two orders that one alone could be paid, none is', async () => {
  const { scene, client, order } = await opened('300.00')
  const other = await newServer(purser, scene, { hostname: 'second' })
  const second = await orderFor(scene, other.id)
  const before = await footprint(purser, scene.customer.id)
  assertError(await client.post('/orders/pay', { order_ids: [order.id, second.id] }), PAY, {
    status: 400,
    code: 'insufficient_funds',
    message: 'The balance is too low. Nothing was taken.',
  })
  assertFieldError(
    await client.post('/orders/pay', { order_ids: [order.id, 2_000_000_000] }),
    PAY,
    {
      field: 'order_ids',
      message: 'The order ids field contains an order that does not exist.',
    },
  )
  assert.deepEqual(await footprint(purser, scene.customer.id), before)
  await scene.customer.credit('100.00')
  const both = await client.post('/orders/pay', { order_ids: [second.id, String(order.id)] })
  assertShape(both, PAY, 200)
  assert.deepEqual(
    (both.json as { data: Order[] }).data.map(({ id, status }) => [id, status]),
    [
      [second.id, 'paid'],
      [order.id, 'paid'],
    ],
  )
})

test('what the balance is short of comes from the saved card, when asked to', async () => {
  const { scene, client, order } = await opened('16.00')
  await saveCard(purser, scene.customer)
  const low = await client.post('/orders/pay', { order_ids: [order.id] })
  assert.equal((low.json as { code: string }).code, 'insufficient_funds')
  const body = { order_ids: [order.id], payment_method: 'card' }
  assertShape(await client.post('/orders/pay', body), PAY, 200)
  assert.deepEqual(await walletMoves(purser, scene.customer.id), [
    'credit credit_granted>wallet 16000000',
    'card_charge clearing>wallet 200000000',
    'hold wallet>held 216000000',
    'hold_end held>revenue 180000000',
    'hold_end held>tax 36000000',
  ])
})

test('without a payment method the order has its own; with `balance` no card is charged', async () => {
  const { scene, client, order } = await opened('16.00')
  await saveCard(purser, scene.customer)
  await client.patch(`/orders/${order.id}`, { payment_method: 'card' })
  const body = { order_ids: [order.id] }
  const low = await client.post('/orders/pay', { ...body, payment_method: 'balance' })
  assert.equal((low.json as { code: string }).code, 'insufficient_funds')
  assert.equal(await walletOf(purser, scene.customer.id), 16_000_000n)
  assertShape(await client.post('/orders/pay', body), PAY, 200)
  assert.equal(await walletOf(purser, scene.customer.id), 0n)
})

test('the provider refuses: the money is back, and the order is open again', async () => {
  const { scene, client, order } = await opened('300.00')
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  const answer = await client.post('/orders/pay', { order_ids: [order.id] })
  assertError(answer, PAY, {
    status: 400,
    code: 'payment_reversed',
    message: `The provider refused to renew what order ${order.id} is for. The money is back in your balance, and the order can be paid again.`,
  })
  assert.equal(await walletOf(purser, scene.customer.id), 300_000_000n)
  assert.deepEqual(await walletMoves(purser, scene.customer.id), [
    'credit credit_granted>wallet 300000000',
    'hold wallet>held 216000000',
    'hold_end held>wallet 216000000',
  ])
  assert.deepEqual((await client.get(`/orders/${order.id}`)).json, order)
  assertShape(await client.post('/orders/pay', { order_ids: [order.id] }), PAY, 200)
})

test('the provider refuses one of two: that one is told of, and that the other is paid', async () => {
  const { scene, client, order } = await opened('400.00')
  const other = await newServer(purser, scene, { hostname: 'second' })
  const second = await orderFor(scene, other.id)
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  const answer = await client.post('/orders/pay', { order_ids: [order.id, second.id] })
  const statuses = await Promise.all(
    [order.id, second.id].map(async (id) => (await client.get(`/orders/${id}`)).json as Order),
  )
  const [open, paid] = statuses.toSorted((a, b) => (a.status < b.status ? -1 : 1))
  assert.deepEqual([open?.status, paid?.status], ['awaiting_payment', 'paid'])
  assertError(answer, PAY, {
    status: 400,
    code: 'payment_reversed',
    message: `The provider refused to renew what order ${open?.id} is for. The money is back in your balance, and the order can be paid again. Paid: ${paid?.id}.`,
  })
  const left = 400_000_000n - BigInt(paid!.amount_with_vat) * 1_000_000n
  assert.equal(await walletOf(purser, scene.customer.id), left)
})

test('the provider does not answer: processing, locked, and paid once it does', async () => {
  const { scene, client, order } = await opened('300.00')
  await injectFault(purser, { operation: 'extend', fault: 'error', times: 1_000_000 })
  let shown: Order
  try {
    const answer = await client.post('/orders/pay', { order_ids: [order.id] })
    assertShape(answer, PAY, 200)
    shown = (answer.json as { data: Order[] }).data[0]!
    assert.deepEqual([shown.status, shown.amount_from_balance], ['processing', 216])
    assert.deepEqual(shown.invoices, order.invoices)
    for (const [place, refused] of [
      ['delete /v1/orders/{id}', client.delete(`/orders/${order.id}`)],
      ['patch /v1/orders/{id}', client.patch(`/orders/${order.id}`, { auto_pay: false })],
      [
        'patch /v1/orders/{id}/{service_type}/{service_id}',
        client.patch(`/orders/${order.id}/server/${scene.subscriptionId}`, { billing_cycle: 1 }),
      ],
      [
        'post /v1/servers/renew',
        client.post('/servers/renew', { server_ids: [Number(scene.id)], billing_cycle: 1 }),
      ],
    ] as const) {
      assertError(await refused, place, {
        status: 423,
        code: 'resource_locked',
        message: 'The resource is locked while an action on it is running; try again.',
      })
    }
  } finally {
    await injectFault(purser, { operation: 'extend', fault: 'error', times: 0 })
  }
  const again = await client.post('/orders/pay', { order_ids: [order.id] })
  assert.match(again.text, /"code":"already_paid"|"status":"paid"/)
  const paid = (await client.get(`/orders/${order.id}`)).json as Order
  assert.equal(paid.status, 'paid')
  assert.equal(await walletOf(purser, scene.customer.id), 300_000_000n - GROSS)
})

test('what is wrong with the request is told by its name', async () => {
  const { client, order } = await opened()
  for (const [body, field, message] of [
    [{}, 'order_ids', 'is required'],
    [{ order_ids: [] }, 'order_ids', 'must have at least 1 item'],
    [{ order_ids: order.id }, 'order_ids', 'must be a list'],
    [{ order_ids: ['x'] }, 'order_ids', 'contains an order that does not exist'],
    [{ order_ids: ['\u0000'] }, 'order_ids', 'contains an order that does not exist'],
    [
      { order_ids: [order.id], payment_method: 'bank' },
      'payment_method',
      'must be one of: balance, card',
    ],
  ] as const) {
    assertFieldError(await client.post('/orders/pay', body), PAY, {
      field,
      message: `The ${field.replaceAll('_', ' ')} field ${message}.`,
    })
  }
  const many = await client.post('/orders/pay', { order_ids: Array(101).fill(order.id) })
  assertShape(many, PAY, 422)
})

test('fifty at once: one debit, the others are told that it has been paid', async () => {
  const { scene, client, order } = await opened('1000.00')
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => client.post('/orders/pay', { order_ids: [order.id] })),
  )
  const paid = answers.filter((answer) => answer.status === 200)
  assert.equal(paid.length, 1)
  for (const answer of answers) {
    assertShape(answer, PAY, answer.status)
    if (answer === paid[0]) continue
    assert.equal((answer.json as { code: string }).code, 'already_paid', answer.text)
  }
  assert.equal(await walletOf(purser, scene.customer.id), 1_000_000_000n - GROSS)
})

test('a customer who owns nothing pays nothing', async () => {
  const { order } = await opened()
  const stranger = await newCustomer(purser, { credit: '1000.00' })
  const before = await footprint(purser, stranger.id)
  const answer = await vpsbgClient(purser, stranger.key).post('/orders/pay', {
    order_ids: [order.id],
  })
  assertShape(answer, PAY, 422)
  assert.deepEqual(await footprint(purser, stranger.id), before)
})

test('the books balance', () => assertBooksBalance(purser))
