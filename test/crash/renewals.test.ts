/**
 * Purser is killed while customers pay for renewals. Afterwards each renewal is finished or undone,
 * once, and who asks again under the same key is told what became of it.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../kit/answer.ts'
import { hostupClient } from '../kit/hostup.ts'
import { assertBooksBalance, spawnTestPurser } from '../kit/purser.ts'
import { seeded } from '../kit/seeded.ts'
import { type OpenInvoice, openRenewal, renewableServer, type TestServer } from '../kit/servers.ts'
import { type Customer, injectFault, newCustomer } from '../kit/shop.ts'
import { walletOf } from '../kit/two-pursers.ts'
import { vpsbgClient } from '../kit/vpsbg.ts'

const purser = await spawnTestPurser()
after(() => purser.stop())

const SERVERS = 15
const PRICE = 5_000_000n
const CREDIT = 200_000_000n
/** A lease of a process that was killed lapses within half a minute. */
const SETTLED_WITHIN_MS = 120_000

interface Rented {
  readonly server: TestServer
  readonly invoice: OpenInvoice
  readonly way: Way
}

/** Pays the invoice under a key, and tells whether the answer says that it is paid. */
interface Way {
  pay(customer: Customer, rented: Omit<Rented, 'way'>, key: string): Promise<Answer>
  isPaid(answer: Answer): boolean
}

const WAYS: readonly Way[] = [
  {
    pay: (customer, { server }, key) =>
      customer.crownpanel(
        { QUERY: 'renew_service', VMID: String(server.id) },
        { 'Idempotency-Key': key },
      ),
    isPaid: ({ text }) => text.includes('"renewal_status":"Success"'),
  },
  {
    pay: (customer, { invoice }, key) =>
      vpsbgClient(purser, customer.key).post(
        '/orders/pay',
        { order_ids: [Number(invoice.purchaseId)] },
        { 'Idempotency-Key': key },
      ),
    isPaid: ({ status, text }) => status === 200 && text.includes('"status":"paid"'),
  },
  {
    pay: (customer, { invoice }, key) =>
      hostupClient(purser, customer.key).post(
        `/v2/billing/invoices/${invoice.publicId}/actions/pay`,
        undefined,
        { 'Idempotency-Key': key },
      ),
    isPaid: ({ status }) => status === 200,
  },
]

/** Waits until nothing is being paid any more. */
async function settled(accountId: string | number): Promise<void> {
  const deadline = Date.now() + SETTLED_WITHIN_MS
  for (;;) {
    const { rows } = await purser.pool.query(
      `select from purchase where account_id = $1 and state = 'processing' limit 1`,
      [accountId],
    )
    if (rows.length === 0) return
    assert.ok(Date.now() < deadline, 'a purchase is still being paid')
    await pause(100)
  }
}

/** How many periods each server has been renewed by, and what its holds have come to. */
async function effects(servers: readonly TestServer[]) {
  const { rows } = await purser.pool.query<{ periods: number; settled: number; held: number }>(
    `select
       (select count(*) from subscription_period p
        where p.subscription_id = s.id and p.purchase_line_id is not null)::integer as periods,
       (select count(*) from hold h join purchase_line l on l.purchase_id = h.subject_id
        where l.subscription_id = s.id and h.state = 'settled')::integer as settled,
       (select count(*) from hold h join purchase_line l on l.purchase_id = h.subject_id
        where l.subscription_id = s.id and h.state = 'held')::integer as held
     from subscription s where s.server_id = any ($1::bigint[])`,
    [servers.map(({ id }) => id)],
  )
  return rows
}

test('killed while renewals are paid: each is paid once, and told so again', async (t) => {
  const random = seeded()
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  for (let round = 0; round < 2; round++) {
    const customer = await newCustomer(purser, { credit: '200.00' })
    const rented: Rented[] = []
    for (let at = 0; at < SERVERS; at++) {
      const server = await renewableServer(purser, customer, { price: '5.00' })
      const invoice = await openRenewal(purser, server)
      rented.push({ server, invoice, way: WAYS[at % WAYS.length]! })
    }
    // Some answers are lost on the way, with and without the effect; nobody knows which.
    const fault = random.pick(['timeout', 'error'] as const)
    await injectFault(purser, { operation: 'extend', fault, times: random.int(12) })
    const keyOf = (at: number) => `round-${round}-${at}`
    const first = rented.map((one, at) =>
      pause(random.int(150)).then(() =>
        one.way.pay(customer, one, keyOf(at)).catch(() => undefined),
      ),
    )
    await pause(20 + random.int(250))
    await purser.kill('SIGKILL')
    const answers = await Promise.all(first)
    await purser.restart()
    const again = await Promise.all(rented.map((one, at) => one.way.pay(customer, one, keyOf(at))))
    await settled(customer.id)
    for (const [at, one] of rented.entries()) {
      const before = answers[at]
      let now = again[at]!
      // Ten seconds were not enough: the lease of the dead process had not lapsed.
      if (!one.way.isPaid(now)) now = await one.way.pay(customer, one, keyOf(at))
      assert.ok(one.way.isPaid(now), now.text)
      if (before !== undefined && one.way.isPaid(before)) {
        assert.equal(now.text, before.text)
        assert.equal(now.headers.get('idempotent-replayed'), 'true')
      }
    }
    assert.deepEqual(
      await effects(rented.map(({ server }) => server)),
      rented.map(() => ({ periods: 1, settled: 1, held: 0 })),
    )
    assert.equal(await walletOf(purser, customer.id), CREDIT - PRICE * BigInt(SERVERS))
    await assertBooksBalance(purser)
  }
})
