/** One renewal for each period, however it is asked for: five ways at once, on two processes. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { hostupClient } from '../kit/hostup.ts'
import { assertBooksBalance, type PurserClient } from '../kit/purser.ts'
import {
  expiryOf,
  type OpenInvoice,
  openRenewal,
  purchaseRow,
  renewableServer,
  type TestServer,
} from '../kit/servers.ts'
import { type Customer, injectFault, newCustomer } from '../kit/shop.ts'
import { newTestService, spawnTwo, walletOf } from '../kit/two-pursers.ts'
import { vpsbgClient } from '../kit/vpsbg.ts'

const [one, two] = await spawnTwo()
after(async () => {
  await two.stop()
  await one.stop()
})
const PASSWORD = 'a long enough password'
const PRICE = 5_000_000n

interface Renter {
  readonly customer: Customer
  readonly server: TestServer
  readonly invoice: OpenInvoice
  /** The cookie of a signed-in browser. */
  readonly cookie: string
}

async function newRenter(credit: string): Promise<Renter> {
  const customer = await newCustomer(one, { credit })
  const server = await renewableServer(one, customer, { currency: 'USD', price: '5.00' })
  const invoice = await openRenewal(one, server)
  return { customer, server, invoice, cookie: await signIn(customer) }
}

async function signIn(customer: Customer): Promise<string> {
  const email = `user-${customer.id}@shop.example`
  const user = { email, password: PASSWORD, role: 'owner' }
  const made = await one.admin('POST', `/accounts/${customer.id}/users`, user)
  assert.equal(made.status, 201, made.text)
  const session = await fetch(`${one.url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  })
  assert.equal(session.status, 201, await session.text())
  return session.headers.get('set-cookie')!.split(';')[0]!
}

/** What an answer says became of it. */
type Told = 'paid' | 'already' | 'short'

interface Way {
  readonly name: string
  ask(purser: PurserClient, renter: Renter): Promise<Answer>
  told(answer: Answer): Told | undefined
}

const CROWN: Way = {
  name: 'crownpanel',
  ask: (purser, { customer, server }) =>
    purser.crownpanel({ QUERY: 'renew_service', VMID: String(server.id) }, { key: customer.key }),
  told: ({ text }) => {
    const { renewal_status } = JSON.parse(text) as { renewal_status?: string }
    if (renewal_status === 'Success') return 'paid'
    if (renewal_status === 'Failed') return 'already'
    return renewal_status === 'Low Balance' ? 'short' : undefined
  },
}
const VPSBG: Way = {
  name: 'vpsbg',
  ask: (purser, { customer, invoice }) =>
    vpsbgClient(purser, customer.key).post('/orders/pay', {
      order_ids: [Number(invoice.purchaseId)],
    }),
  told: ({ status, text }) => {
    if (status === 200) return 'paid'
    if (status !== 400) return undefined
    return /already/i.test(text) ? 'already' : 'short'
  },
}
const HOSTUP: Way = {
  name: 'hostup',
  ask: (purser, { customer, invoice }) =>
    hostupClient(purser, customer.key).post(`/v2/billing/invoices/${invoice.id}/actions/pay`),
  told: ({ status }) =>
    status === 200 ? 'paid' : status === 409 ? 'already' : status === 402 ? 'short' : undefined,
}
const PAGE: Way = {
  name: 'page',
  ask: async (purser, { invoice, cookie }) =>
    readAnswer(
      await fetch(`${purser.url}/billing`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ action: 'pay', invoice: String(invoice.purchaseId) }),
      }),
    ),
  // Who has paid is sent to the invoice's own address.
  told: ({ status }) =>
    status === 303 ? 'paid' : status === 409 ? 'already' : status === 402 ? 'short' : undefined,
}
const WAYS = [CROWN, VPSBG, HOSTUP, PAGE]

/** `count` askings at once, taking turns among the ways and the processes. */
async function allAtOnce(renter: Renter, count: number): Promise<Record<Told, number>> {
  const told: Record<Told, number> = { paid: 0, already: 0, short: 0 }
  await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const way = WAYS[at % WAYS.length]!
      const answer = await way.ask((at >> 2) % 2 === 0 ? one : two, renter)
      const kind = way.told(answer)
      assert.ok(kind !== undefined, `${way.name}: ${answer.status} ${answer.text.slice(0, 400)}`)
      told[kind]++
    }),
  )
  return told
}

/** Periods that were paid for, and money that has left the wallet for this purchase. */
async function effectOf({
  server,
  invoice,
}: Renter): Promise<{ periods: number; holds: string[] }> {
  const periods = await one.pool.query(
    `select from subscription_period p join subscription s on s.id = p.subscription_id
     where s.server_id = $1 and p.purchase_line_id is not null`,
    [server.id],
  )
  const holds = await one.pool.query<{ state: string }>(
    `select state from hold where subject_kind = 'purchase' and subject_id = $1 order by id`,
    [invoice.purchaseId],
  )
  return { periods: periods.rows.length, holds: holds.rows.map(({ state }) => state) }
}

for (let round = 1; round <= 5; round++) {
  test(`round ${round}: one invoice, asked for 50 times in four ways: one debit, one period`, async () => {
    const renter = await newRenter('100.00')
    const before = await expiryOf(one, renter.server)
    const told = await allAtOnce(renter, 50)
    assert.equal(told.short, 0)
    assert.ok(told.paid >= 1)
    assert.equal(told.paid + told.already, 50)
    assert.deepEqual(await effectOf(renter), { periods: 1, holds: ['settled'] })
    assert.equal(await walletOf(one, renter.customer.id), 95_000_000n)
    assert.ok((await expiryOf(one, renter.server)) > before)
    assert.equal(told.paid, 1, 'one is told that it has paid, the others that it was paid')
    assert.deepEqual(await allAtOnce(renter, 8), { paid: 0, already: 8, short: 0 })
  })
}

test('the scheduler pays too, while everybody asks: one debit', async () => {
  const renters = await Promise.all(Array.from({ length: 4 }, () => newRenter('7.00')))
  await one.pool.query(
    `update purchase set auto_pay = true, pay_at = now()
     where id = any ($1::bigint[]) and state = 'awaiting_payment'`,
    [renters.map(({ invoice }) => invoice.purchaseId)],
  )
  const told = await Promise.all(renters.map((renter) => allAtOnce(renter, 16)))
  for (const [at, renter] of renters.entries()) {
    assert.ok(told[at]!.paid <= 1)
    assert.equal(told[at]!.short, 0)
    assert.deepEqual(await effectOf(renter), { periods: 1, holds: ['settled'] })
    assert.equal(await walletOf(one, renter.customer.id), 2_000_000n)
  }
})

test('a provider that refuses some of them: each refusal gives back, then one pays', async () => {
  const renter = await newRenter('100.00')
  await injectFault(one, { operation: 'extend', fault: 'refuse', times: 2 })
  await Promise.all(
    Array.from({ length: 24 }, (_, at) => WAYS[at % 4]!.ask(at % 2 === 0 ? one : two, renter)),
  )
  await injectFault(one, { operation: 'extend', fault: 'refuse', times: 0 })
  const { holds, periods } = await effectOf(renter)
  assert.equal(holds.filter((state) => state === 'settled').length, periods)
  assert.ok(periods <= 1 && !holds.includes('held'))
  assert.equal(await walletOf(one, renter.customer.id), periods === 1 ? 95_000_000n : 100_000_000n)
  assert.equal(
    (await purchaseRow(one, renter.invoice)).state,
    periods === 1 ? 'paid' : 'awaiting_payment',
  )
})

test('one wallet, five APIs: orders and renewals never spend more than it holds', async () => {
  const service = await newTestService(one, '1.00')
  const customer = await newCustomer(one, { credit: '32.50' })
  const renters = await Promise.all(
    Array.from({ length: 8 }, async (): Promise<Renter> => {
      const server = await renewableServer(one, customer, { currency: 'USD', price: '5.00' })
      return { customer, server, invoice: await openRenewal(one, server), cookie: '' }
    }),
  )
  const cookie = await signIn(customer)
  const add = { action: 'add', service, link: 'https://shop.example', quantity: 500 }
  const orders: Promise<Answer>[] = []
  const renewals: Promise<Told | undefined>[] = []
  for (let at = 0; at < 40; at++) {
    const purser = at % 2 === 0 ? one : two
    orders.push(purser[at % 4 < 2 ? 'panel' : 'panelbon'](add, { key: customer.key }))
    const way = WAYS[at % 4]!
    const renter = { ...renters[at % renters.length]!, cookie }
    renewals.push(way.ask(purser, renter).then((answer) => way.told(answer)))
  }
  const bought = (await Promise.all(orders)).filter(({ status }) => status === 200).length
  await Promise.all(renewals)
  const effects = await Promise.all(renters.map(effectOf))
  const renewed = effects.filter(({ periods }) => periods === 1).length
  assert.ok(effects.every(({ periods, holds }) => periods <= 1 && !holds.includes('held')))
  const spent = BigInt(bought) * 500_000n + BigInt(renewed) * PRICE
  const left = await walletOf(one, customer.id)
  assert.equal(left, 32_500_000n - spent)
  assert.ok(left >= 0n)
  assert.ok(left < PRICE || renewed === renters.length, 'nothing that fits was refused')
})

test('the books balance, by both processes', async () => {
  await assertBooksBalance(one)
  await assertBooksBalance(two)
})
