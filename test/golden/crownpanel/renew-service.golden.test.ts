/** The source page's answers to `renew_service`, each with the state of the books behind it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, assertWire, readAnswer } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { saveCard, suspendForAbuse, voidPurchase } from '../../kit/operator.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  expiryOf,
  monthsOn,
  type OpenInvoice,
  openRenewal,
  purchaseRow,
  renewableServer,
  type TestServer,
  walletMoves,
} from '../../kit/servers.ts'
import { type Customer, injectFault, newCustomer } from '../../kit/shop.ts'
import { walletOf } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const PRICE = 5_000_000n

function renew(customer: Customer, server: TestServer, fields: Fields = {}): Promise<Answer> {
  return customer.crownpanel({ QUERY: 'renew_service', VMID: String(server.id), ...fields })
}

function assertAnswer(answer: Answer, text: string): void {
  assertWire(answer, 200, text)
  assertDocumented('crownpanel', 'post /', answer)
}

/** A customer with `credit`, a server that runs out in three days, and its open renewal. */
async function renewable(o: { credit?: string; currency?: string; price?: string } = {}) {
  const { credit, currency = 'USD', price = '5.00' } = o
  const customer = await newCustomer(purser, {
    currency,
    ...(credit === undefined ? {} : { credit }),
  })
  const server = await renewableServer(purser, customer, { currency, price })
  return { customer, server, invoice: await openRenewal(purser, server) }
}

const renewed = ({ id }: OpenInvoice, amount = '5.00') =>
  `{"query_status":"Success","query":"renew_service","invoice_id":"${id}","amount_paid":"${amount}","renewal_status":"Success","query_result":"Invoice Paid and Service Renewed."}`

const alreadyPaid = (id: bigint) =>
  `{"query_status":"Error","query":"renew_service","invoice_id":"${id}","renewal_status":"Failed","query_result":"Invoice Already Paid."}`

const failed = (id: bigint, renewal: string, result: string, amount = '5.00') =>
  `{"query_status":"Error","query":"renew_service","invoice_id":"${id}","amount_paid":"${amount}","renewal_status":"${renewal}","query_result":"${result}"}`

const LOW_BALANCE = ['Low Balance', 'Wallet Balance not enough to renew this service.'] as const
const NOT_AVAILABLE = [
  'Not Available',
  'No Unpaid Invoice Found For Service. Contact Support.',
] as const
const CREDIT_KEPT = [
  'Error',
  'Contact support, Invoice was not paid automatically. Credit is moved to Client Area Balance.',
] as const
const REVERSED = [
  'API Error',
  'Success, $5 was reversed back to account due to an API issue.',
] as const
const UNKNOWN = ['Unknown', 'Service Not Renewed'] as const

test('Success: wallet to held, held to revenue, and one period more', async () => {
  const { customer, server, invoice } = await renewable({ credit: '12.00' })
  assertAnswer(await renew(customer, server), renewed(invoice))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 12000000',
    'hold wallet>held 5000000',
    'hold_end held>revenue 5000000',
  ])
  assert.equal(await walletOf(purser, customer.id), 12_000_000n - PRICE)
  const expiry = await expiryOf(purser, server)
  assert.deepEqual(expiry, monthsOn(server, 1))
  assert.equal((await purchaseRow(purser, invoice)).state, 'paid')
})

test('Success: the invoice by its number, its id, its public id; names in lower case; JSON', async () => {
  for (const ask of [
    (c: Customer, s: TestServer, i: OpenInvoice) => renew(c, s, { INVOICE_ID: String(i.id) }),
    (c: Customer, s: TestServer, i: OpenInvoice) => renew(c, s, { INVOICE_ID: i.publicId }),
    (c: Customer, s: TestServer) => renew(c, s, { INVOICE_ID: '' }),
    (c: Customer, s: TestServer) => c.crownpanel({ QUERY: 'renew_service', VMID: s.publicId }),
    (c: Customer, s: TestServer) =>
      purser.crownpanel(
        { api_key: c.key, query: 'renew_service', vmid: ` ${s.id} ` },
        { key: null },
      ),
    (c: Customer, s: TestServer) =>
      postJson({ API_KEY: c.key, QUERY: 'renew_service', VMID: Number(s.id) }),
    (c: Customer, s: TestServer) =>
      postMultipart({ API_KEY: c.key, QUERY: 'renew_service', VMID: String(s.id) }),
  ]) {
    const { customer, server, invoice } = await renewable({ credit: '5.00' })
    assertAnswer(await ask(customer, server, invoice), renewed(invoice))
    assert.equal(await walletOf(purser, customer.id), 0n)
  }
})

async function postJson(body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return readAnswer(
    await fetch(purser.url, { method: 'POST', headers, body: JSON.stringify(body) }),
  )
}

async function postMultipart(fields: Readonly<Record<string, string>>): Promise<Answer> {
  const body = new FormData()
  for (const [name, value] of Object.entries(fields)) body.append(name, value)
  return readAnswer(await fetch(purser.url, { method: 'POST', body }))
}

test('Failed: the invoice was paid before; nothing is taken, and there is no amount_paid', async () => {
  const { customer, server, invoice } = await renewable({ credit: '50.00' })
  await renew(customer, server)
  const moves = await walletMoves(purser, customer.id)
  const expiry = await expiryOf(purser, server)
  for (const fields of [{}, { INVOICE_ID: String(invoice.id) }, { INVOICE_ID: invoice.publicId }]) {
    assertAnswer(await renew(customer, server, fields), alreadyPaid(invoice.id))
  }
  assert.deepEqual(await walletMoves(purser, customer.id), moves)
  assert.deepEqual(await expiryOf(purser, server), expiry)
  assert.equal(await walletOf(purser, customer.id), 45_000_000n)
})

test('Invalid API Key: three fields, and nothing moves', async () => {
  const { customer, server, invoice } = await renewable({ credit: '5.00' })
  const answer = await purser.crownpanel(
    { QUERY: 'renew_service', VMID: String(server.id) },
    { key: 'wrong' },
  )
  assertAnswer(
    answer,
    '{"query_status":"Error","query":"renew_service","query_result":"Invalid API Key."}',
  )
  assert.equal(await walletOf(purser, customer.id), PRICE)
  assert.equal((await purchaseRow(purser, invoice)).state, 'awaiting_payment')
})

test('Low Balance: nothing moves, and the next try with money succeeds', async () => {
  const { customer, server, invoice } = await renewable({ credit: '4.99' })
  for (let tries = 0; tries < 2; tries++) {
    assertAnswer(await renew(customer, server), failed(invoice.id, ...LOW_BALANCE))
  }
  assert.deepEqual(await walletMoves(purser, customer.id), ['credit credit_granted>wallet 4990000'])
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
  assert.equal((await purchaseRow(purser, invoice)).state, 'awaiting_payment')
  await customer.credit('0.01')
  assertAnswer(await renew(customer, server), renewed(invoice))
  assert.equal(await walletOf(purser, customer.id), 0n)
})

test('Low Balance: the saved card is refused too', async () => {
  const { customer, server, invoice } = await renewable({ credit: '1.00' })
  await saveCard(purser, customer)
  await injectFault(purser, { operation: 'charge', fault: 'refuse', times: 1 })
  assertAnswer(await renew(customer, server), failed(invoice.id, ...LOW_BALANCE))
  assert.deepEqual(await walletMoves(purser, customer.id), ['credit credit_granted>wallet 1000000'])
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
})

test('Success: the saved card gives what the wallet is short of', async () => {
  const { customer, server, invoice } = await renewable({ credit: '1.50' })
  await saveCard(purser, customer)
  assertAnswer(await renew(customer, server), renewed(invoice))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 1500000',
    'card_charge clearing>wallet 3500000',
    'hold wallet>held 5000000',
    'hold_end held>revenue 5000000',
  ])
  assert.equal(await walletOf(purser, customer.id), 0n)
})

test('Not Available: no invoice was made out for the coming period', async () => {
  const customer = await newCustomer(purser, { credit: '50.00' })
  const server = await renewableServer(purser, customer, { daysLeft: 20 })
  assertAnswer(await renew(customer, server), failed(0n, ...NOT_AVAILABLE))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 50000000',
  ])
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
})

test('Error: the card was charged and the invoice voided meanwhile; the money stays', async () => {
  const { customer, server, invoice } = await renewable({ credit: '1.00' })
  await saveCard(purser, customer)
  // The gateway takes the money and its answer is lost; it is asked again until it is known.
  await injectFault(purser, { operation: 'charge', fault: 'timeout', times: 1_000 })
  const asking = renew(customer, server)
  await cardCharge(customer)
  await voidPurchase(purser, invoice)
  await injectFault(purser, { operation: 'charge', fault: 'timeout', times: 0 })
  assertAnswer(await asking, failed(invoice.id, ...CREDIT_KEPT))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 1000000',
    'card_charge clearing>wallet 4000000',
  ])
  assert.equal(await walletOf(purser, customer.id), PRICE)
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
  assert.equal((await purchaseRow(purser, invoice)).state, 'cancelled')
})

/** Waits until a charge of the customer's card is under way. */
async function cardCharge(customer: Customer): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { rows } = await purser.pool.query(
      `select from card_charge where account_id = $1 and state = 'pending'`,
      [customer.id],
    )
    if (rows.length > 0) return
    assert.ok(tries < 6_000, 'no charge was begun')
    await pause(10)
  }
}

test('API Error: the provider refused for good; the money comes back, the invoice is open', async () => {
  const { customer, server, invoice } = await renewable({ credit: '6.00' })
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  assertAnswer(await renew(customer, server), failed(invoice.id, ...REVERSED))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 6000000',
    'hold wallet>held 5000000',
    'hold_end held>wallet 5000000',
  ])
  assert.equal(await walletOf(purser, customer.id), 6_000_000n)
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
  assert.equal((await purchaseRow(purser, invoice)).state, 'awaiting_payment')
  assertAnswer(await renew(customer, server), renewed(invoice))
  assert.equal(await walletOf(purser, customer.id), 1_000_000n)
})

test('API Error: `$5` is the amount in the words of its currency', async () => {
  for (const [currency, price, amount, words] of [
    ['USD', '5.50', '5.50', '$5.50'],
    ['EUR', '5.00', '5.00', '€5'],
    ['SEK', '5.00', '5.00', '5 SEK'],
    ['JPY', '500', '500.00', '¥500'],
    ['KWD', '1.235', '1.24', '1.24 KWD'],
  ] as const) {
    const { customer, server, invoice } = await renewable({ credit: '1000.00', currency, price })
    await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
    const result = `Success, ${words} was reversed back to account due to an API issue.`
    assertAnswer(await renew(customer, server), failed(invoice.id, 'API Error', result, amount))
    assert.equal(await walletOf(purser, customer.id), 1_000_000_000n)
  }
})

test('Unknown: a server that is suspended for abuse; nothing is taken', async () => {
  const { customer, server, invoice } = await renewable({ credit: '50.00' })
  await suspendForAbuse(purser, server)
  assertAnswer(await renew(customer, server), failed(invoice.id, ...UNKNOWN))
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 50000000',
  ])
  assert.deepEqual(await expiryOf(purser, server), server.expiresAt)
})

test('Unknown: an invoice that was voided; nothing is taken', async () => {
  const { customer, server, invoice } = await renewable({ credit: '50.00' })
  await voidPurchase(purser, invoice)
  assertAnswer(
    await renew(customer, server, { INVOICE_ID: String(invoice.id) }),
    failed(invoice.id, ...UNKNOWN),
  )
  assert.deepEqual(await walletMoves(purser, customer.id), [
    'credit credit_granted>wallet 50000000',
  ])
})

test('Unknown: the provider has not answered in ten seconds; it is settled all the same', async () => {
  const { customer, server, invoice } = await renewable({ credit: '5.00' })
  await injectFault(purser, { operation: 'extend', fault: 'error', times: 1_000 })
  try {
    assertAnswer(await renew(customer, server), failed(invoice.id, ...UNKNOWN))
    assert.equal((await purchaseRow(purser, invoice)).state, 'processing')
    assert.deepEqual(await walletMoves(purser, customer.id), [
      'credit credit_granted>wallet 5000000',
      'hold wallet>held 5000000',
    ])
  } finally {
    await injectFault(purser, { operation: 'extend', fault: 'error', times: 0 })
  }
  // The worker, or whoever asks again, finds out that it is done.
  await reachPaid(invoice)
  assertAnswer(await renew(customer, server), alreadyPaid(invoice.id))
  assert.equal(await walletOf(purser, customer.id), 0n)
  assert.deepEqual(await expiryOf(purser, server), monthsOn(server, 1))
})

const PAID_WITHIN_MS = 120_000

async function reachPaid(invoice: OpenInvoice): Promise<void> {
  const deadline = Date.now() + PAID_WITHIN_MS
  for (;;) {
    const { state } = await purchaseRow(purser, invoice)
    if (state === 'paid') return
    assert.ok(Date.now() < deadline, `still ${state}`)
    await pause(100)
  }
}

test('a lost answer of the provider: asked again, paid once', async () => {
  const { customer, server, invoice } = await renewable({ credit: '10.00' })
  await injectFault(purser, { operation: 'extend', fault: 'timeout', times: 1 })
  assertAnswer(await renew(customer, server), renewed(invoice))
  assert.equal(await walletOf(purser, customer.id), PRICE)
  assert.deepEqual(await expiryOf(purser, server), monthsOn(server, 1))
})

test('fifty at once: one is paid, all others are told that it is', async () => {
  const { customer, server, invoice } = await renewable({ credit: '500.00' })
  const answers = await Promise.all(Array.from({ length: 50 }, () => renew(customer, server)))
  const texts = answers.map((answer) => answer.text)
  assert.equal(texts.filter((text) => text === renewed(invoice)).length, 1)
  assert.equal(texts.filter((text) => text === alreadyPaid(invoice.id)).length, 49)
  assert.equal(await walletOf(purser, customer.id), 495_000_000n)
  assert.deepEqual(await expiryOf(purser, server), monthsOn(server, 1))
})

test('the books balance', () => assertBooksBalance(purser))
