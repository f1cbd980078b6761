/** What `renew_service` takes and shows with tax, for nothing, and for several servers at once. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { taxWith } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  expiryOf,
  newServer,
  openRenewal,
  type TestServer,
  walletMoves,
} from '../../kit/servers.ts'
import { type Customer, newCustomer } from '../../kit/shop.ts'
import { walletOf } from '../../kit/two-pursers.ts'
import { vpsbgClient } from '../../kit/vpsbg.ts'

const purser = await startTestPurser()
after(() => purser.stop())

function renew(customer: Customer, server: TestServer): Promise<Answer> {
  return customer.crownpanel({ QUERY: 'renew_service', VMID: String(server.id) })
}

function assertAnswer(answer: Answer, text: string): void {
  assertWire(answer, 200, text)
  assertDocumented('crownpanel', 'post /', answer)
}

const renewed = (invoice: string, amount: string) =>
  `{"query_status":"Success","query":"renew_service","invoice_id":"${invoice}","amount_paid":"${amount}","renewal_status":"Success","query_result":"Invoice Paid and Service Renewed."}`

const alreadyPaid = (invoice: string) =>
  `{"query_status":"Error","query":"renew_service","invoice_id":"${invoice}","renewal_status":"Failed","query_result":"Invoice Already Paid."}`

for (const { within, gross, net, tax } of [
  { within: false, gross: '6.00', net: 5_000_000n, tax: 1_000_000n },
  { within: true, gross: '5.00', net: 4_170_000n, tax: 830_000n },
]) {
  const where = within ? 'within the price' : 'on top of the price'
  test(`20 % tax ${where}: every amount is gross, and the tax is booked apart`, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    await taxWith(purser, customer, { percent: 20, within })
    const server = await newServer(purser, customer)
    const info = await customer.crownpanel({ QUERY: 'vps_info', VMID: String(server.id) })
    assert.equal((info.json as { renewal_price: string }).renewal_price, gross)
    const { id } = await openRenewal(purser, server)
    assertAnswer(await renew(customer, server), renewed(String(id), gross))
    assert.deepEqual(await walletMoves(purser, customer.id), [
      'credit credit_granted>wallet 10000000',
      `hold wallet>held ${net + tax}`,
      `hold_end held>revenue ${net}`,
      `hold_end held>tax ${tax}`,
    ])
    const { json } = await customer.crownpanel({ QUERY: 'list_invoices' })
    assert.equal((json as { amount: string }[])[0]?.amount, gross)
  })
}

test('a renewal that costs nothing is paid without an invoice, and once', async () => {
  const customer = await newCustomer(purser)
  const server = await newServer(purser, customer, { price: '0' })
  const made = await purser.admin('POST', `/servers/${server.id}/renew`, {})
  assert.equal(made.status, 201, made.text)
  assertAnswer(await renew(customer, server), renewed('0', '0.00'))
  assertAnswer(await renew(customer, server), alreadyPaid('0'))
  assert.deepEqual(await walletMoves(purser, customer.id), [])
  assert.ok((await expiryOf(purser, server)) > server.expiresAt)
  assertAnswer(await customer.crownpanel({ QUERY: 'list_invoices' }), '[]')
})

test('one invoice for two servers: either pays it all, and it stands under the first', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const first = await newServer(purser, customer)
  const second = await newServer(purser, customer)
  const order = await vpsbgClient(purser, customer.key).post('/servers/renew', {
    server_ids: [Number(first.id), Number(second.id)],
  })
  assert.equal(order.status, 200, order.text)
  const { rows } = await purser.pool.query<{ id: bigint }>(
    'select id from invoice where account_id = $1',
    [customer.id],
  )
  const invoice = String(rows[0]?.id)
  assertAnswer(await renew(customer, second), renewed(invoice, '10.00'))
  assertAnswer(await renew(customer, first), alreadyPaid(invoice))
  assert.equal(await walletOf(purser, customer.id), 0n)
  for (const server of [first, second]) {
    assert.ok((await expiryOf(purser, server)) > server.expiresAt)
  }
  for (const [asked, shown] of [
    [undefined, first],
    [first, first],
    [second, second],
  ] as const) {
    const fields = asked === undefined ? {} : { VMID: String(asked.id) }
    const { json } = await customer.crownpanel({ QUERY: 'list_invoices', ...fields })
    const list = json as { invoice_id: string; vmid: string }[]
    assert.deepEqual(
      list.map(({ invoice_id, vmid }) => [invoice_id, vmid]),
      [[invoice, String(shown.id)]],
    )
  }
})

test('the books balance', () => assertBooksBalance(purser))
