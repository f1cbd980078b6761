/** What CrownPanel's queries tell of money, to the letter. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { voidPurchase } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  type OpenInvoice,
  openRenewal,
  renewableServer,
  type TestServer,
} from '../../kit/servers.ts'
import { injectFault, newCustomer } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

function assertAnswer(answer: Answer, text: string): void {
  assertWire(answer, 200, text)
  assertDocumented('crownpanel', 'post /', answer)
}

const seconds = (instant: Date) => String(Math.floor(instant.getTime() / 1000))

test('balance: two decimals in every currency, rounded half away from zero', async () => {
  for (const [currency, credit, shown] of [
    ['USD', '100.84292', '100.84'],
    ['USD', '0.005', '0.01'],
    ['USD', '0.004999', '0.00'],
    ['JPY', '500', '500.00'],
    ['KWD', '1.235', '1.24'],
  ] as const) {
    const customer = await newCustomer(purser, { currency, credit })
    assertAnswer(
      await customer.crownpanel({ QUERY: 'balance' }),
      `{"balance":"${shown}","currency":"${currency}"}`,
    )
  }
  const customer = await newCustomer(purser)
  assertAnswer(
    await customer.crownpanel({ QUERY: 'balance' }),
    '{"balance":"0.00","currency":"USD"}',
  )
})

/** An invoice as the list shows it, by its row. */
async function invoiceText(
  invoice: OpenInvoice,
  o: { server: TestServer; status: string },
): Promise<string> {
  const { rows } = await purser.pool.query<{
    created_at: Date
    due_at: Date
    paid_at: Date | null
  }>('select created_at, due_at, paid_at from invoice where id = $1', [invoice.id])
  const { created_at, due_at, paid_at } = rows[0]!
  const paid = paid_at === null ? 'null' : `"${seconds(paid_at)}"`
  return `{"invoice_id":"${invoice.id}","vmid":"${o.server.id}","amount":"5.00","status":"${o.status}","created_on":"${seconds(created_at)}","due_on":"${seconds(due_at)}","paid_on":${paid}}`
}

test('list_invoices: unpaid, paid, cancelled, newest first; one server’s', async () => {
  const customer = await newCustomer(purser, { credit: '20.00' })
  assertAnswer(await customer.crownpanel({ QUERY: 'list_invoices' }), '[]')
  const made: string[] = []
  const servers: TestServer[] = []
  for (const status of ['paid', 'cancelled', 'unpaid']) {
    const server = await renewableServer(purser, customer)
    const invoice = await openRenewal(purser, server)
    const VMID = String(server.id)
    if (status === 'paid') await customer.crownpanel({ QUERY: 'renew_service', VMID })
    if (status === 'cancelled') await voidPurchase(purser, invoice)
    servers.push(server)
    made.push(await invoiceText(invoice, { server, status }))
  }
  assertAnswer(
    await customer.crownpanel({ QUERY: 'list_invoices' }),
    `[${made.toReversed().join(',')}]`,
  )
  for (const [at, server] of servers.entries()) {
    for (const VMID of [String(server.id), server.publicId]) {
      assertAnswer(await customer.crownpanel({ QUERY: 'list_invoices', VMID }), `[${made[at]}]`)
    }
  }
})

test('list_transactions: what moved the wallet, newest first, with its sign', async () => {
  const customer = await newCustomer(purser)
  assertAnswer(await customer.crownpanel({ QUERY: 'list_transactions' }), '[]')
  await customer.credit('20.00')
  const placed = await customer.panel({
    action: 'add',
    service: 1,
    link: 'https://shop.example',
    quantity: 55,
  })
  assert.equal(placed.status, 200, placed.text)
  const server = await renewableServer(purser, customer, { hostname: 'web1.shop.example' })
  await openRenewal(purser, server)
  const VMID = String(server.id)
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  await customer.crownpanel({ QUERY: 'renew_service', VMID })
  const { rows } = await purser.pool.query<{ id: bigint; created_at: Date }>(
    `select t.id, t.created_at from transfer t
     join ledger_account w on w.account_id = t.account_id and w.kind = 'wallet'
       and w.id in (t.debit_id, t.credit_id)
     where t.account_id = $1 order by t.id desc`,
    [customer.id],
  )
  const renewal = `Renewal: ${server.planName} - web1.shop.example [${server.address}]`
  const order = (placed.json as { order: number }).order
  const told = [
    ['5.00', `Returned: ${renewal}`],
    ['-5.00', renewal],
    ['-0.05', `Order ${order}: Image tagging`],
    ['20.00', 'Credit'],
  ] as const
  assert.equal(rows.length, told.length)
  const texts = told.map(
    ([amount, description], at) =>
      `{"transaction_id":"${rows[at]!.id}","amount":"${amount}","description":"${description}","created_on":"${seconds(rows[at]!.created_at)}"}`,
  )
  assertAnswer(await customer.crownpanel({ QUERY: 'list_transactions' }), `[${texts.join(',')}]`)
})

test('list_transactions: a hundred at the most', async () => {
  const customer = await newCustomer(purser)
  for (let at = 0; at < 102; at++) await customer.credit('1.00')
  const answer = await customer.crownpanel({ QUERY: 'list_transactions' })
  assertDocumented('crownpanel', 'post /', answer)
  assert.equal((answer.json as unknown[]).length, 100)
})

test('the books balance', () => assertBooksBalance(purser))
