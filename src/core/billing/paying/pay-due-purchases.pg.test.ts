/** What is paid by itself: on its day, once, and not again and again where it cannot be. */
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { PaymentScene } from '../../../../test/kit/payment-scene.ts'
import { payDuePurchases } from './pay-due-purchases.ts'
import { resumePayments } from './resume-payments.ts'

const DAY_MS = 86_400_000
const scene = await PaymentScene.open()
after(() => scene.close())
const desk = scene.desk()
const other = scene.desk()

afterEach(() => scene.assertBooksBalance())

let days = 0
function passDays(count: number): void {
  days += count
  scene.clock.shiftTo(days * DAY_MS)
}

/** One payment attempt a day of all that is due, on two processes. */
async function payOneDay(): Promise<void> {
  await Promise.all([payDuePurchases(desk, { limit: 50 }), payDuePurchases(other, { limit: 50 })])
}

test('a renewal is paid on its due date, not before, from the wallet and then the card', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const bert = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const [hers, his] = [await anna.renewal({ autoPay: true }), await bert.renewal({ autoPay: true })]
  const byHand = await anna.renewal({ autoPay: false })
  assert.equal(await payDuePurchases(desk, { limit: 50 }), 0)
  passDays(40)
  await payOneDay()
  assert.equal(await payDuePurchases(desk, { limit: 50 }), 0)
  assert.equal((await scene.purchase(hers.purchaseId)).state, 'paid')
  assert.equal((await scene.purchase(his.purchaseId)).state, 'paid')
  assert.equal((await scene.purchase(byHand.purchaseId)).state, 'awaiting_payment')
  assert.equal(scene.gateway.sumMicros, 4_000_000n)
  assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
  assert.deepEqual(await anna.periods(hers.server), { paid: 1, tile: true })
})

test('renewals due at once count on the wallet once: cards give what it is short of in all', async () => {
  scene.gateway.taken.clear()
  const anna = await scene.customer({ creditMicros: 3_000_000n, card: true })
  const renewals = []
  for (let i = 0; i < 3; i++) renewals.push(await anna.renewal({ autoPay: true }))
  passDays(40)
  await payOneDay()
  for (const { purchaseId } of renewals) {
    assert.equal((await scene.purchase(purchaseId)).state, 'paid')
  }
  assert.equal(scene.gateway.sumMicros, 12_000_000n)
  assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
})

test('one that cannot be paid is tried once a day, for a week', async () => {
  const anna = await scene.customer()
  const { purchaseId } = await anna.renewal({ autoPay: true })
  passDays(40)
  for (let day = 0; day < 9; day++) {
    await payOneDay()
    await payOneDay()
    passDays(1)
  }
  const failures = await scene.events(purchaseId, 'purchase.payment_failed')
  assert.equal(failures.length, 7)
  assert.equal((await scene.purchase(purchaseId)).payAt, null)
  await anna.credit(5_000_000n)
  await payOneDay()
  assert.equal((await scene.purchase(purchaseId)).state, 'awaiting_payment')
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
})

test('one that the provider refuses is tried again on the next day, for a week', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal({ autoPay: true })
  scene.provider.next.set(server.ref, Array(20).fill('refuse'))
  passDays(40)
  for (let day = 0; day < 9; day++) {
    await payOneDay()
    passDays(1)
  }
  assert.equal((await scene.events(purchaseId, 'purchase.reversed')).length, 7)
  assert.deepEqual(await anna.money(), { wallet: 5_000_000n, held: 0n })
})

test('what the provider does not answer is left to be finished, and asked for once', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal({ autoPay: true })
  scene.provider.next.set(server.ref, ['lose'])
  passDays(40)
  assert.equal(await payDuePurchases(desk, { limit: 50 }), 1)
  assert.equal((await scene.purchase(purchaseId)).state, 'processing')
  assert.equal(await payDuePurchases(desk, { limit: 50 }), 0)
  passDays(1)
  assert.equal(await resumePayments(other, { limit: 50 }), 1)
  assert.equal((await scene.purchase(purchaseId)).state, 'paid')
  assert.equal(scene.provider.extended.get(server.ref)?.length, 1)
})

test('those whose gateway does not answer keep no other from being paid', async () => {
  scene.gateway.behaviour = () => 'fail'
  const bert = await scene.customer({ card: true })
  const stuck = [await bert.renewal({ autoPay: true }), await bert.renewal({ autoPay: true })]
  passDays(1)
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { purchaseId } = await anna.renewal({ autoPay: true })
  passDays(39)
  for (let step = 0; step < 2; step++) await payDuePurchases(desk, { limit: 2 })
  assert.equal((await scene.purchase(purchaseId)).state, 'paid')
  scene.gateway.behaviour = () => 'do'
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 50 }), 2)
  for (const each of stuck) assert.equal((await scene.purchase(each.purchaseId)).state, 'paid')
})

test('one that cannot be written keeps no other from being paid', async () => {
  const anna = await scene.customer({ creditMicros: 50_000_000n })
  const renewals = []
  for (let i = 0; i < 5; i++) renewals.push(await anna.renewal({ autoPay: true }))
  const broken = renewals[2]!
  const planted = 'subscription_id = $1 and purchase_line_id is null and billing_cycle = 7'
  await scene.query(
    `insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
       account_id, created_at)
     select id, expires_at, expires_at + interval '1 day', 7, account_id, now()
     from subscription where id = $1`,
    [broken.server.subscriptionId],
  )
  passDays(40)
  scene.logged.length = 0
  await assert.rejects(payDuePurchases(desk, { limit: 50 }), { constraint: /period_pkey/ })
  const [[facts, message] = [{}, '']] = scene.logged
  assert.equal(message, 'a purchase could not be paid')
  assert.equal((facts as { purchase?: string }).purchase, String(broken.purchaseId))
  for (const each of renewals) {
    const state = each === broken ? 'processing' : 'paid'
    assert.equal((await scene.purchase(each.purchaseId)).state, state)
  }
  await scene.query(
    `do $$ begin
       set local session_replication_role = replica;
       delete from subscription_period
       where ${planted.replace('$1', String(broken.server.subscriptionId))};
     end $$`,
  )
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 50 }), 1)
  assert.equal((await scene.purchase(broken.purchaseId)).state, 'paid')
  assert.deepEqual(await anna.money(), { wallet: 25_000_000n, held: 0n })
})
