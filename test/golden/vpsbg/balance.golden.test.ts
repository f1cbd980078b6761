/** The balance, what has moved in it, and the invoices. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { saveCard } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { newCustomer, place } from '../../kit/shop.ts'
import { assertJson, assertShape, onePage, vpsbgClient } from '../../kit/vpsbg.ts'
import { sampleServer, setSampleClock } from '../../kit/vpsbg-scene.ts'

const BALANCE = 'get /v1/balance'
const TRANSACTIONS = 'get /v1/balance/transactions'
const INVOICES = 'get /v1/invoices'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

interface Transaction {
  id: number
  created_at: string
}
interface Order {
  id: number
  invoices: object[]
}

test('the balance of an account that never held money', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK' })
  assertJson(await vpsbgClient(purser, customer.key).get('/balance'), BALANCE, 200, {
    balance: 0,
    balance_limit: 0,
    estimated_expenses: 0,
    shortfall: 0,
    currency: 'SEK',
    has_valid_card: false,
    last_deposit: null,
    unconfirmed_bitcoin_deposits: [],
  })
})

test('the balance: what it has, what is coming, and what it lacks for that', async () => {
  const scene = await sampleServer(purser, { credit: '100.84' })
  const client = vpsbgClient(purser, scene.customer.key)
  await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  await saveCard(purser, scene.customer)
  const answer = await client.get('/balance')
  const { last_deposit } = answer.json as { last_deposit: { payment_date: string } }
  assertJson(answer, BALANCE, 200, {
    balance: 100.84,
    balance_limit: 0,
    estimated_expenses: 216,
    shortfall: 115.16,
    currency: 'USD',
    has_valid_card: true,
    last_deposit: {
      amount: 100.84,
      amount_with_vat: 100.84,
      payment_method: 'bank',
      payment_date: last_deposit.payment_date,
    },
    unconfirmed_bitcoin_deposits: [],
  })
  assert.match(last_deposit.payment_date, /^2025-02-10T16:\d\d:\d\d\.\d{6}Z$/)
})

test('amounts are exact, in their shortest form: millionths too', async () => {
  const customer = await newCustomer(purser, { credit: '1.00', terms: { discount_percent: 5 } })
  // 51 at 0.90 less 5 % is 0.043605.
  await place(customer, { service: 1, quantity: 51 })
  const client = vpsbgClient(purser, customer.key)
  assert.match((await client.get('/balance')).text, /^\{"balance":0\.956395,/)
  const large = await newCustomer(purser, { credit: '9000000000000' })
  await large.panel({ action: 'add', service: 1, link: 'https://shop.example', quantity: 51 })
  assert.match(
    (await vpsbgClient(purser, large.key).get('/balance')).text,
    /^\{"balance":8999999999999\.9541,/,
  )
})

test('transactions: what each moved, newest first, and the balance after it', async () => {
  const scene = await sampleServer(purser, { credit: '300.00' })
  const client = vpsbgClient(purser, scene.customer.key)
  const renewed = await client.post('/servers/renew', { server_ids: [Number(scene.id)] })
  const order = renewed.json as Order
  const paid = await client.post('/orders/pay', { order_ids: [order.id] })
  assert.equal(paid.status, 200, paid.text)
  const answer = await client.get('/balance/transactions')
  const [hold, credit] = (answer.json as { data: Transaction[] }).data
  assert.ok(hold && credit)
  const data = [
    {
      id: hold.id,
      type: 'renewal',
      amount: -216,
      balance_after: 84,
      currency: 'USD',
      description: `Renewal: Cloud VPS 2 GB - ubuntu-2gb [${scene.address}] and 1 more`,
      order_id: order.id,
      created_at: hold.created_at,
    },
    {
      id: credit.id,
      type: 'credit',
      amount: 300,
      balance_after: 300,
      currency: 'USD',
      description: 'Credit',
      order_id: null,
      created_at: credit.created_at,
    },
  ]
  assertJson(answer, TRANSACTIONS, 200, onePage(`${purser.url}/v1/balance/transactions`, data))
  const second = await client.get('/balance/transactions?per_page=1&page=2')
  assertShape(second, TRANSACTIONS, 200)
  assert.deepEqual((second.json as { data: unknown[] }).data, [
    (answer.json as { data: unknown[] }).data[1],
  ])
})

test('invoices: those of the orders, newest first; paid, they have a number of their own', async () => {
  const scene = await sampleServer(purser, { credit: '300.00' })
  const client = vpsbgClient(purser, scene.customer.key)
  const renew = async () =>
    (await client.post('/servers/renew', { server_ids: [Number(scene.id)] })).json as Order
  const order = await renew()
  const open = await client.get('/invoices')
  assertShape(open, INVOICES, 200)
  assert.deepEqual((open.json as { data: unknown[] }).data, order.invoices)
  await client.post('/orders/pay', { order_ids: [order.id] })
  const next = await renew()
  const answer = await client.get('/invoices')
  assertShape(answer, INVOICES, 200)
  const paid = (await client.get(`/orders/${order.id}`)).json as Order
  assert.deepEqual((answer.json as { data: unknown[] }).data, [...next.invoices, ...paid.invoices])
})

test('the books balance', () => assertBooksBalance(purser))
