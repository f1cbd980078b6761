/**
 * What must hold, whoever pays and whatever fails:
 * 1. A renewal is paid by one debit of exactly what it costs, and moves the end of its server by
 *    exactly one period, however many ask for it at once, on however many processes.
 * 2. The provider has been told of every period that was paid for, and of none that was refused.
 * 3. What a provider refuses for good goes back whole, and can be paid again.
 * 4. While an outcome is not known the money is held: neither the customer's nor ours.
 * 5. A refusal leaves nothing: no transfer, no hold, no event.
 * 6. A key has one effect, and the next try is judged afresh where that came to nothing.
 * 7. Numbers of invoices have no gap.
 */
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import { PaymentScene, PRICE_MICROS } from '../../../../test/kit/payment-scene.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { cancelPurchase } from '../cancel-purchase.ts'
import { resumePayments } from './resume-payments.ts'

const scene = await PaymentScene.open()
after(() => scene.close())
const desk = scene.desk()
const other = scene.desk()

beforeEach(() => {
  scene.provider.behaviour = () => 'do'
  scene.gateway.behaviour = () => 'do'
  scene.gateway.next = []
})
afterEach(() => scene.assertBooksBalance())

const refused = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code

const PAID = [
  'hold wallet>held 5000000',
  'hold_end held>revenue 4170000',
  'hold_end held>tax 830000',
]
const REVERSED = ['hold wallet>held 5000000', 'hold_end held>wallet 5000000']

test('a renewal is paid from the wallet', async () => {
  const anna = await scene.customer({ creditMicros: 12_000_000n })
  const { server, purchaseId } = await anna.renewal()
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.money(), { wallet: 7_000_000n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.equal(scene.provider.extended.get(server.ref)?.length, 1)
  assert.deepEqual(await scene.events(purchaseId, 'purchase.'), [
    'purchase.created',
    'purchase.processing',
    'purchase.paid',
  ])
  assert.equal(await anna.pay(other, purchaseId), 'already_paid')
  assert.deepEqual(await anna.money(), { wallet: 7_000_000n, held: 0n })
})

test('of many who pay one renewal at once on several processes one does', async () => {
  const anna = await scene.customer({ creditMicros: 100_000_000n, card: true })
  const { server, purchaseId } = await anna.renewal()
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      anna.pay(scene.desks[at % 2]!, purchaseId, { mayUseCard: at % 3 === 0 }),
    ),
  )
  assert.equal(outcomes.filter((kind) => kind === 'paid').length, 1)
  assert.equal(outcomes.filter((kind) => kind === 'already_paid').length, 49)
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.money(), { wallet: 95_000_000n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})

test('what costs nothing is paid without money, an invoice or a hold', async () => {
  const anna = await scene.customer()
  const { server, purchaseId } = await anna.renewal()
  await scene.query('delete from invoice where purchase_id = $1', [purchaseId])
  const free = 'set net = 0, gross = 0'
  await scene.query(`update purchase_line ${free} where purchase_id = $1`, [purchaseId])
  await scene.query(`update purchase ${free} where id = $1`, [purchaseId])
  scene.provider.next.set(server.ref, ['refuse'])
  assert.equal(await anna.pay(desk, purchaseId, { key: 'free' }), 'reversed')
  assert.equal(await anna.pay(desk, purchaseId, { key: 'free' }), 'paid')
  assert.deepEqual(await scene.transfers(purchaseId), [])
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})

test('a wallet that is short pays nothing', async () => {
  const anna = await scene.customer({ creditMicros: PRICE_MICROS - 1n })
  const { server, purchaseId } = await anna.renewal()
  assert.equal(
    await anna.pay(desk, purchaseId, { mayUseCard: true, key: 'k' }),
    'insufficient_funds',
  )
  assert.deepEqual(await scene.transfers(purchaseId), [])
  assert.deepEqual(await anna.periods(server), { paid: 0, tile: true })
  assert.deepEqual(await scene.events(purchaseId, 'purchase.'), ['purchase.created'])
  await anna.credit(1n)
  assert.equal(await anna.pay(desk, purchaseId, { mayUseCard: true, key: 'k' }), 'paid')
})

test('what is refused for good goes back, is open again, and can be paid again', async () => {
  const anna = await scene.customer({ creditMicros: PRICE_MICROS })
  const { server, purchaseId } = await anna.renewal({ autoPay: true })
  scene.provider.next.set(server.ref, ['refuse'])
  assert.equal(await anna.pay(desk, purchaseId), 'reversed')
  assert.deepEqual(await scene.transfers(purchaseId), REVERSED)
  assert.deepEqual(await anna.money(), { wallet: PRICE_MICROS, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 0, tile: true })
  const { state, payAt } = await scene.purchase(purchaseId)
  assert.equal(state, 'awaiting_payment')
  assert.ok(payAt !== null && payAt > new Date())
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
  assert.deepEqual(await scene.transfers(purchaseId), [...REVERSED, ...PAID])
  assert.deepEqual(await scene.events(purchaseId, 'purchase.'), [
    'purchase.created',
    'purchase.processing',
    'purchase.reversed',
    'purchase.processing',
    'purchase.paid',
  ])
})

test('a lost answer is asked for again, and paid once', async () => {
  const anna = await scene.customer({ creditMicros: PRICE_MICROS })
  const { server, purchaseId } = await anna.renewal()
  scene.provider.next.set(server.ref, ['lose', 'fail', 'forget'])
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.equal(scene.provider.extended.get(server.ref)?.length, 1)
})

test('while a provider does not answer the money is held, and a worker finishes it', async () => {
  const anna = await scene.customer({ creditMicros: PRICE_MICROS })
  const { server, purchaseId } = await anna.renewal()
  scene.provider.behaviour = () => 'fail'
  assert.equal(await anna.pay(desk, purchaseId, { key: 'held' }), 'settling')
  assert.deepEqual(await anna.money(), { wallet: 0n, held: PRICE_MICROS })
  await desk.drained()
  assert.equal((await scene.purchase(purchaseId)).state, 'processing')
  await scene.assertBooksBalance()
  // The longer it has waited, the later it is asked again: here, in a minute.
  await scene.query(`update purchase set updated_at = now() - interval '1 hour' where id = $1`, [
    purchaseId,
  ])
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 10 }), 1)
  assert.equal((await scene.purchase(purchaseId)).state, 'processing')
  assert.equal(await resumePayments(other, { limit: 10 }), 0, 'it was let go of, to be asked later')
  scene.provider.behaviour = () => 'do'
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 10 }), 1)
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.equal(await anna.pay(desk, purchaseId, { key: 'held' }), 'paid', 'the repeat is told so')
})

test('what goes wrong outside is logged, by ids', async () => {
  const anna = await scene.customer({ creditMicros: 30_000_000n })
  const { server, purchaseId } = await anna.renewal()
  scene.provider.next.set(server.ref, ['fail', 'lose', 'refuse', 'do'])
  scene.logged.length = 0
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
  const other = await anna.renewal()
  scene.provider.next.set(other.server.ref, ['refuse'])
  assert.equal(await anna.pay(desk, other.purchaseId), 'reversed')
  const said = scene.logged.map(([facts, message]) => [{ ...facts, err: undefined }, message])
  const about = { provider: 'simulated', servers: 1, err: undefined }
  assert.deepEqual(said, [
    [about, 'a provider could not be asked to renew servers'],
    [about, 'a provider has not said whether servers are renewed'],
    [
      { ...about, refused: [{ ref: other.server.ref, reason: 'The test says so.' }] },
      'a provider refused to renew servers',
    ],
  ])
})

test('many renewals of many customers share a commit, and each is answered for itself', async () => {
  const customers = await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      scene.customer({ creditMicros: at % 3 === 0 ? 0n : 10_000_000n }),
    ),
  )
  const renewals = await Promise.all(customers.map((customer) => customer.renewal()))
  for (const [at, { server }] of renewals.entries()) {
    if (at % 5 === 0) scene.provider.next.set(server.ref, ['refuse'])
  }
  const outcomes = await Promise.all(
    customers.map((customer, at) => customer.pay(desk, renewals[at]!.purchaseId)),
  )
  assert.deepEqual(
    outcomes,
    customers.map((_, at) =>
      at % 3 === 0 ? 'insufficient_funds' : at % 5 === 0 ? 'reversed' : 'paid',
    ),
  )
})

test('a set is paid whole or not at all', async () => {
  const anna = await scene.customer({ creditMicros: 11_000_000n })
  const [one, two, three] = [await anna.renewal(), await anna.renewal(), await anna.renewal()]
  const pay = async (ids: readonly bigint[], key: string | null = null) => {
    const input = { purchaseIds: ids, mayUseCard: false }
    const { output } = await desk.pay({ actor: anna.actor, input, idempotencyKey: key })
    return output.map(({ outcome }) => outcome.kind)
  }
  const all = [one.purchaseId, two.purchaseId, three.purchaseId]
  assert.deepEqual(await pay(all, 'set'), Array(3).fill('insufficient_funds'))
  assert.deepEqual(await anna.money(), { wallet: 11_000_000n, held: 0n })
  await scene.run(cancelPurchase, { purchaseId: three.purchaseId })
  assert.deepEqual(await pay(all, 'set'), ['left_out', 'left_out', 'cancelled'])
  const both = [two.purchaseId, one.purchaseId]
  assert.deepEqual(await pay(both, 'set'), ['paid', 'paid'])
  assert.deepEqual(await pay(both, 'set'), ['paid', 'paid'])
  await assert.rejects(pay(all, 'set'), refused('idempotency_key_reused'))
  assert.deepEqual(await anna.money(), { wallet: 1_000_000n, held: 0n })
})

test('of a set one of which is refused the other stays paid', async () => {
  const anna = await scene.customer({ creditMicros: 10_000_000n })
  const [one, two] = [await anna.renewal(), await anna.renewal()]
  scene.provider.next.set(one.server.ref, ['refuse'])
  const call = {
    actor: anna.actor,
    input: { purchaseIds: [one.purchaseId, two.purchaseId], mayUseCard: false },
    idempotencyKey: 'half',
  }
  const first = await desk.pay(call)
  assert.deepEqual(
    first.output.map(({ outcome }) => outcome.kind),
    ['reversed', 'paid'],
  )
  assert.deepEqual(await other.pay(call), { output: first.output, replayed: true })
  assert.deepEqual(await anna.money(), { wallet: 5_000_000n, held: 0n })
})

test('what is split: the refused servers stand in a new order with an invoice of its own', async () => {
  const anna = await scene.customer({ creditMicros: 30_000_000n })
  // An abbreviation, which PostgreSQL does not know as a zone.
  await scene.query(`update account set time_zone = 'CAT' where id = $1`, [anna.accountId])
  const [one, two, three] = [
    await anna.server({ addon: true }),
    await anna.server({ addon: true }),
    await anna.server(),
  ]
  const purchaseId = await anna.renew(one, two, three)
  scene.provider.next.set(two.ref, ['refuse'])
  assert.equal(await anna.pay(desk, purchaseId, { key: 'split' }), 'paid')
  assert.equal(await anna.pay(desk, purchaseId, { key: 'split' }), 'paid')
  assert.deepEqual(await scene.transfers(purchaseId), [
    'hold wallet>held 19000000',
    'hold_end held>revenue 10010000',
    'hold_end held>wallet 7000000',
    'hold_end held>tax 1990000',
  ])
  assert.deepEqual(await anna.money(), { wallet: 18_000_000n, held: 0n })
  const [made] = await scene.query<{ id: bigint; gross: bigint; state: string; invoice: string }>(
    `select p.id, p.gross, p.state, v.state || ' ' || v.gross as invoice
     from purchase p join invoice v on v.purchase_id = p.id
     where p.account_id = $1 and p.id <> $2`,
    [anna.accountId, purchaseId],
  )
  assert.deepEqual(
    [made?.gross, made?.state, made?.invoice],
    [7_000_000n, 'awaiting_payment', 'unpaid 7000000'],
  )
  assert.deepEqual(await anna.periods(one), { paid: 1, tile: true })
  assert.deepEqual(await anna.periods(two), { paid: 0, tile: true })
  assert.equal(await anna.pay(desk, made!.id), 'paid')
  assert.deepEqual(await anna.periods(two), { paid: 1, tile: true })
})

test("another account's order is none, and the right is needed", async () => {
  const [anna, bert] = [await scene.customer(), await scene.customer({ creditMicros: 9_000_000n })]
  const { purchaseId } = await anna.renewal()
  await assert.rejects(bert.pay(desk, purchaseId), refused('not_found'))
  await assert.rejects(bert.pay(desk, 999_999n), refused('not_found'))
  const reader = { ...anna.actor, scopes: ['read:all'] as const }
  await assert.rejects(anna.pay(desk, purchaseId, { actor: reader }), refused('insufficient_scope'))
  const operator = { kind: 'operator', operatorId: 1n } as const
  await anna.credit(5_000_000n)
  assert.equal(await anna.pay(desk, purchaseId, { actor: operator, key: 'o' }), 'paid')
  assert.equal(await anna.pay(other, purchaseId, { actor: operator, key: 'o' }), 'paid')
})

test('a suspended server is renewed where it was not paid, and not where it is for abuse', async () => {
  const anna = await scene.customer({ creditMicros: 10_000_000n })
  const [unpaid, abuse] = [await anna.renewal(), await anna.renewal()]
  const suspend = (id: bigint, reason: string) =>
    scene.query(`update server set state = 'suspended', suspended_for = $2 where id = $1`, [
      id,
      reason,
    ])
  await suspend(unpaid.server.id, 'unpaid')
  await suspend(abuse.server.id, 'abuse')
  assert.equal(await anna.pay(desk, unpaid.purchaseId), 'paid')
  assert.equal(await anna.pay(desk, abuse.purchaseId), 'not_renewable')
  const states = await scene.query<{ line: string }>(
    `select state || ' ' || state_told as line from server where id = any ($1::bigint[])
     order by id`,
    [[unpaid.server.id, abuse.server.id]],
  )
  assert.deepEqual(
    states.map((row) => row.line),
    ['active false', 'suspended true'],
  )
  assert.deepEqual(await scene.events(unpaid.server.id, 'server.resumed'), ['server.resumed'])
})
