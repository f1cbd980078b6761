/**
 * A process may die after any step of paying. What it leaves is taken up once its lease has
 * lapsed, not and is finished or undone exactly once, by however many processes.
 */
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { lossyWay } from '../../../../test/kit/lost-answer.ts'
import { type PayingCustomer, PaymentScene } from '../../../../test/kit/payment-scene.ts'
import { type Seeded, seeded } from '../../../../test/kit/seeded.ts'
import { cancelPurchase } from '../cancel-purchase.ts'
import { payDuePurchases } from './pay-due-purchases.ts'
import { payServerRenewal } from './pay-server-renewal.ts'
import type { PaymentDesk } from './payment-desk.ts'
import type { Reservation } from './reserve-payments.ts'
import { resumePayments } from './resume-payments.ts'
import type { Verdict } from './settle-payments.ts'

const scene = await PaymentScene.open()
after(() => scene.close())
const desk = scene.desk()
const other = scene.desk()

afterEach(() => scene.assertBooksBalance())

const KEY = 'k'
const CARD = 'card_charge clearing>wallet 4000000'
const HELD = 'hold wallet>held 5000000'
const PAID = [HELD, 'hold_end held>revenue 4170000', 'hold_end held>tax 830000']

/** The first step alone. */
async function reserve(customer: PayingCustomer, purchaseIds: readonly bigint[]) {
  const { output } = await desk.steps.reserve({
    actor: customer.actor,
    input: { selection: { purchaseIds, mayUseCard: true }, asked: undefined, patient: true },
    idempotencyKey: KEY,
  })
  return output
}

function kind<Kind extends Reservation['kind']>(reservation: Reservation, expected: Kind) {
  assert.equal(reservation.kind, expected)
  return reservation as Extract<Reservation, { kind: Kind }>
}

/** Nothing is taken before the lease has lapsed; then by one of two processes, once. */
async function takeOver(): Promise<void> {
  await scene.assertBooksBalance()
  assert.equal(await resumePayments(other, { limit: 10 }), 0)
  await scene.lapse()
  const taken = await Promise.all([
    resumePayments(other, { limit: 10 }),
    resumePayments(desk, { limit: 10 }),
  ])
  assert.equal(taken[0]! + taken[1]!, 1)
  assert.equal(await resumePayments(other, { limit: 10 }), 0)
}

test('killed when the money was set aside', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const { purchases } = kind(await reserve(anna, [purchaseId]), 'reserved')
  assert.deepEqual(await scene.transfers(purchaseId), [HELD])
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'paid')
  const verdicts = new Map<bigint, Verdict>([[server.id, 'refused']])
  const late = await desk.steps.settle(anna.actor, { reserved: purchases[0]!, verdicts })
  assert.equal(late.kind, 'paid', 'one that was dead after all changes nothing')
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
})

test('killed when the provider had done it', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const { purchases } = kind(await reserve(anna, [purchaseId]), 'reserved')
  await desk.steps.ask(purchases[0]!, new Map())
  assert.equal(scene.provider.extended.get(server.ref)?.length, 1)
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.equal(scene.provider.extended.get(server.ref)?.length, 1)
})

test('killed when the provider had refused', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal()
  scene.provider.next.set(server.ref, ['refuse', 'refuse'])
  const { purchases } = kind(await reserve(anna, [purchaseId]), 'reserved')
  await desk.steps.ask(purchases[0]!, new Map())
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), [HELD, 'hold_end held>wallet 5000000'])
  assert.deepEqual(await anna.money(), { wallet: 5_000_000n, held: 0n })
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'paid')
})

test('killed when it was settled', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { purchaseId } = await anna.renewal()
  const { purchases } = kind(await reserve(anna, [purchaseId]), 'reserved')
  await desk.steps.finish(anna.actor, purchases[0]!, 0)
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 10 }), 0)
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'paid')
})

test('killed when the charge of a card was begun', async () => {
  const anna = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const { server, purchaseId } = await anna.renewal()
  kind(await reserve(anna, [purchaseId]), 'charge')
  assert.equal(scene.gateway.taken.size, 0)
  await takeOver()
  assert.equal(scene.gateway.taken.size, 1)
  assert.deepEqual(await scene.transfers(purchaseId), [CARD, ...PAID])
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'paid')
})

test('killed when a card was charged, and the order voided since', async () => {
  const anna = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const { purchaseId } = await anna.renewal()
  const { charge } = kind(await reserve(anna, [purchaseId]), 'charge')
  const { id: chargeId, cardRef, amountMicros, currency } = charge
  await scene.gateway.charge({ chargeId, cardRef, amountMicros, currency })
  await scene.run(cancelPurchase, { purchaseId })
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), [CARD])
  assert.deepEqual(await anna.money(), { wallet: 5_000_000n, held: 0n })
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'credit_kept')
})

test('killed when the charge was booked', async () => {
  const anna = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const { server, purchaseId } = await anna.renewal()
  const { charge } = kind(await reserve(anna, [purchaseId]), 'charge')
  const { id: chargeId, cardRef, amountMicros, currency } = charge
  await scene.gateway.charge({ chargeId, cardRef, amountMicros, currency })
  kind(await desk.steps.book(anna.actor, charge), 'reserved')
  kind(await other.steps.book(anna.actor, charge), 'wait')
  assert.deepEqual(await scene.transfers(purchaseId), [CARD, HELD])
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), [CARD, ...PAID])
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})

test('killed, and the clock is set back', async () => {
  const anna = await scene.customer({ creditMicros: 6_000_000n, card: true })
  const [one, two] = [await anna.renewal(), await anna.renewal()]
  kind(await reserve(anna, [one.purchaseId]), 'reserved')
  const charged = { selection: { purchaseIds: [two.purchaseId], mayUseCard: true }, patient: true }
  await desk.steps.reserve({ actor: anna.actor, input: charged, idempotencyKey: null })
  scene.clock.shiftTo(-86_400_000)
  try {
    for (const table of ['purchase', 'card_charge']) {
      await scene.query(`update ${table} set lease_until = now() where lease_until is not null`)
    }
    assert.equal(await resumePayments(other, { limit: 10 }), 2)
    assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
  } finally {
    scene.clock.shiftTo(0)
  }
})

test('killed with a set that a card was to pay: all of it is finished', async () => {
  const anna = await scene.customer({ creditMicros: 6_000_000n, card: true })
  const [one, two] = [await anna.renewal(), await anna.renewal()]
  kind(await reserve(anna, [two.purchaseId, one.purchaseId]), 'charge')
  await takeOver()
  assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
  for (const { server } of [one, two]) {
    assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  }
})

test('a card is declined after its process has died: the key is free', async () => {
  const anna = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const { purchaseId } = await anna.renewal()
  kind(await reserve(anna, [purchaseId]), 'charge')
  scene.gateway.next = ['refuse']
  await takeOver()
  assert.deepEqual(await scene.transfers(purchaseId), [])
  await anna.credit(4_000_000n)
  assert.equal(await anna.pay(desk, purchaseId, { key: KEY, mayUseCard: true }), 'paid')
})

test('the answer to a commit is lost: what it has done is found', async () => {
  const way = await lossyWay(scene.connection)
  const far = scene.desk(way.connection)
  scene.desks.pop()
  try {
    const anna = await scene.customer({ creditMicros: 10_000_000n })
    const [one, two] = [await anna.renewal(), await anna.renewal()]
    const asked = { key: 'one', mayUseCard: false }
    // What opens a connection speaks of commits too.
    await far.deps.funnel.database.pool.query('select')
    const reserving = way.loseAnswerTo('commit')
    await assert.rejects(anna.pay(far, one.purchaseId, asked), { code: 'unavailable' })
    await reserving
    assert.deepEqual(await scene.transfers(one.purchaseId), [HELD])
    const repeating = anna.pay(desk, one.purchaseId, asked)
    await takeOver()
    assert.equal(await repeating, 'paid')
    let settling = Promise.resolve()
    scene.provider.beforehand = async () => {
      settling = way.loseAnswerTo('commit')
    }
    assert.equal(await anna.pay(far, two.purchaseId), 'settling')
    await settling
    assert.deepEqual(await scene.transfers(two.purchaseId), PAID)
    assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
  } finally {
    scene.provider.beforehand = async () => {}
    await way.close()
  }
})

interface Dealer {
  readonly random: Seeded
  readonly customers: readonly PayingCustomer[]
  /** What each customer was given, less what was taken back. */
  readonly given: Map<PayingCustomer, bigint>
  readonly purchases: { readonly customer: PayingCustomer; readonly id: bigint }[]
  readonly servers: { readonly customer: PayingCustomer; readonly id: bigint; ref: string }[]
  /** Who waits for those that nobody goes on with, for as long as callers do. */
  readonly waiting: Promise<unknown>[]
}

/** One of the many things that may happen at any moment. */
async function happen(dealer: Dealer): Promise<void> {
  const { random, customers, purchases, servers, waiting } = dealer
  const by = random.pick(scene.desks)
  const { customer, id } = random.pick(purchases)
  switch (random.int(9)) {
    case 0:
    case 1: {
      const call = {
        actor: customer.actor,
        input: { purchaseIds: [id], mayUseCard: random.int(2) === 0 },
        idempotencyKey: random.int(2) === 0 ? null : `key-${id}`,
      }
      await by.pay(call, { once: true }).catch(expectReuse)
      return
    }
    case 2: {
      const own = purchases.filter((each) => each.customer === customer).map((each) => each.id)
      const set = [...new Set([id, random.pick(own)])]
      const call = { actor: customer.actor, input: { purchaseIds: set, mayUseCard: true } }
      await by.pay({ ...call, idempotencyKey: null }, { once: true })
      return
    }
    case 3:
      return await die(by, { customer, id }, random)
    case 4:
      await scene.run(cancelPurchase, { purchaseId: id }).catch(() => {})
      return
    case 5:
      await scene.lapse()
      await resumePayments(by, { limit: 5 })
      return
    case 6:
      await scene.query(`update purchase set pay_at = now() - interval '1 minute'
        where id = ${id} and state = 'awaiting_payment'`)
      await payDuePurchases(by, { limit: 5 })
      return
    case 7: {
      const server = random.pick(servers)
      const paying = payServerRenewal(by, {
        actor: server.customer.actor,
        input: { serverId: server.id, invoiceId: null },
        idempotencyKey: null,
      })
      waiting.push(paying)
      return
    }
    default:
      return await credit(random.pick(customers), dealer)
  }
}

/** It dies when it has set the money aside, or begun to charge. */
async function die(
  desk: PaymentDesk,
  { customer, id }: Dealer['purchases'][number],
  random: Seeded,
): Promise<void> {
  const selection = { purchaseIds: [id], mayUseCard: true }
  const input = { selection, asked: undefined, patient: false }
  const { output } = await desk.steps.reserve({
    actor: customer.actor,
    input,
    idempotencyKey: null,
  })
  if (random.int(2) !== 0) return
  if (output.kind === 'charge') {
    const { id: chargeId, cardRef, amountMicros, currency } = output.charge
    const asked = { chargeId, cardRef, amountMicros, currency }
    await scene.gateway.charge(asked).catch(() => {})
  }
  if (output.kind === 'reserved') await desk.steps.ask(output.purchases[0]!, new Map())
}

/** Money comes, or goes if there is any. */
async function credit(customer: PayingCustomer, { random, given }: Dealer): Promise<void> {
  const micros = BigInt(random.int(8_000_000)) - 2_000_000n || 1n
  await customer.credit(micros).then(
    () => given.set(customer, (given.get(customer) ?? 0n) + micros),
    () => {},
  )
}

/** Under one key both with the card and without. */
function expectReuse(error: unknown): void {
  assert.equal((error as { code?: unknown }).code, 'idempotency_key_reused')
}

test('whatever happens at once, in whatever order, nothing is lost or done twice', async (t) => {
  const random = seeded()
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  scene.provider.behaviour = () =>
    random.pick(['do', 'do', 'do', 'do', 'do', 'refuse', 'lose', 'fail', 'forget'])
  scene.gateway.behaviour = () =>
    random.pick(['do', 'do', 'do', 'do', 'refuse', 'lose', 'fail', 'forget'])
  scene.gateway.taken.clear()
  const customers = [
    await scene.customer({ card: true }),
    await scene.customer({ card: true, tax: 'none' }),
    await scene.customer({}),
  ]
  const given = new Map<PayingCustomer, bigint>()
  const dealer: Dealer = { random, customers, given, purchases: [], servers: [], waiting: [] }
  for (const customer of customers) {
    for (let n = 0; n < 4; n++) {
      const server = await customer.server({ addon: n === 0, autoPay: n % 2 === 0 })
      dealer.servers.push({ customer, ...server })
      if (n < 2) dealer.purchases.push({ customer, id: await customer.renew(server) })
    }
    const [, , third, fourth] = dealer.servers.slice(-4)
    const both = [third!, fourth!].map((server) => ({ ...server, subscriptionId: 0n }))
    dealer.purchases.push({ customer, id: await customer.renew(...both) })
  }
  for (let round = 0; round < 40; round++) {
    await Promise.all(Array.from({ length: 8 }, () => happen(dealer)))
    await scene.assertBooksBalance()
  }
  scene.provider.behaviour = () => 'do'
  scene.gateway.behaviour = () => 'do'
  await Promise.all(dealer.waiting)
  await Promise.all(scene.desks.map((each) => each.drained()))
  for (let taken = 1; taken > 0; ) {
    await scene.lapse()
    taken = await resumePayments(other, { limit: 50 })
  }
  await assertWhole(dealer)
})

async function assertWhole({ customers, given, servers }: Dealer): Promise<void> {
  const accountIds = customers.map(({ accountId }) => accountId)
  const [open] = await scene.query<{ count: bigint }>(
    `select (select count(*) from purchase where state = 'processing')
       + (select count(*) from card_charge where state = 'pending') as count`,
  )
  assert.equal(open?.count, 0n, 'everything has an end')
  const [charged] = await scene.query<{ sum: bigint }>(
    `select coalesce(sum(amount), 0)::bigint as sum from card_charge
     where state = 'succeeded' and account_id = any ($1::bigint[])`,
    [accountIds],
  )
  assert.equal(charged?.sum, scene.gateway.sumMicros, 'what was taken of cards is booked, once')
  for (const customer of customers) {
    const [row] = await scene.query<{ spent: bigint; charged: bigint }>(
      `select (select coalesce(sum(gross), 0)::bigint from purchase
           where account_id = $1 and state = 'paid') as spent,
         (select coalesce(sum(amount), 0)::bigint from card_charge
           where account_id = $1 and state = 'succeeded') as charged`,
      [customer.accountId],
    )
    const left = (given.get(customer) ?? 0n) + row!.charged - row!.spent
    assert.deepEqual(await customer.money(), { wallet: left, held: 0n })
  }
  for (const { id, ref } of servers) {
    const [row] = await scene.query<{ paid: bigint; ends: Date }>(
      `select count(d.purchase_line_id) as paid, s.expires_at as ends
       from subscription s join subscription_period d on d.subscription_id = s.id
       where s.server_id = $1 and s.kind = 'server' group by s.id`,
      [id],
    )
    const moves = scene.provider.extended.get(ref) ?? []
    assert.equal(BigInt(moves.length), row!.paid, `${ref} runs as long as was paid for`)
    if (moves.length > 0) assert.equal(moves.at(-1), row!.ends.toISOString())
  }
}
