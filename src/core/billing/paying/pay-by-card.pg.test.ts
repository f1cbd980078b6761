/**
 * What must hold where a saved card pays what a wallet is short of:
 * 1. A card is charged once for a charge, exactly what is short, and the money is in the wallet in
 *    the commit in which the purchase is taken in hand.
 * 2. What was charged is the customer's: it pays the purchase or stays in the wallet.
 * 3. A charge whose outcome is not known is asked about under its number until it is.
 * 4. A charge that is declined leaves nothing, and its key is free.
 */
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import { PaymentScene } from '../../../../test/kit/payment-scene.ts'
import { cancelPurchase } from '../cancel-purchase.ts'
import { removeCard } from '../cards/remove-card.ts'
import { updatePurchase } from '../update-purchase.ts'
import { resumePayments } from './resume-payments.ts'

const scene = await PaymentScene.open()
after(() => scene.close())
const desk = scene.desk()
const other = scene.desk()

beforeEach(() => {
  scene.provider.behaviour = () => 'do'
  scene.gateway.behaviour = () => 'do'
  scene.gateway.next = []
  scene.gateway.gate = Promise.resolve()
  scene.gateway.taken.clear()
})
afterEach(() => scene.assertBooksBalance())

const SHORT = { creditMicros: 2_000_001n, card: true }
const PAID = [
  'card_charge clearing>wallet 3000000',
  'hold wallet>held 5000000',
  'hold_end held>revenue 4170000',
  'hold_end held>tax 830000',
]
const KEPT = ['card_charge clearing>wallet 3000000']
const byCard = { mayUseCard: true, key: 'card' }

async function chargeEvents(purchaseId: bigint): Promise<string[]> {
  const rows = await scene.query<{ id: bigint }>(
    'select id from card_charge where purchase_id = $1 order by id',
    [purchaseId],
  )
  return (await Promise.all(rows.map(({ id }) => scene.events(id, 'card_charge.')))).flat()
}

test('the card pays what the wallet is short of, in whole cents', async () => {
  const anna = await scene.customer(SHORT)
  const { server, purchaseId } = await anna.renewal()
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'paid')
  assert.equal(scene.gateway.sumMicros, 3_000_000n)
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.money(), { wallet: 1n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.deepEqual(await chargeEvents(purchaseId), ['card_charge.started', 'card_charge.succeeded'])
  assert.equal(await anna.pay(other, purchaseId, byCard), 'paid')
  assert.equal(scene.gateway.taken.size, 1)
})

test('the card is used where it may be, or where the order says so', async () => {
  const anna = await scene.customer(SHORT)
  const { purchaseId } = await anna.renewal()
  assert.equal(await anna.pay(desk, purchaseId), 'insufficient_funds')
  await scene.run(updatePurchase, { purchaseId, paymentMethod: 'card' })
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
})

test('of many who pay by card at once one charges it, once', async () => {
  const anna = await scene.customer({ card: true })
  const { server, purchaseId } = await anna.renewal()
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      anna.pay(scene.desks[at % 2]!, purchaseId, { mayUseCard: true }),
    ),
  )
  assert.equal(outcomes.filter((kind) => kind === 'paid').length, 1)
  assert.equal(outcomes.filter((kind) => kind === 'already_paid').length, 49)
  assert.equal(scene.gateway.sumMicros, 5_000_000n)
  assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})

test('a card that is declined pays nothing, and the key can be used again', async () => {
  const anna = await scene.customer(SHORT)
  const { purchaseId } = await anna.renewal()
  scene.gateway.next = ['refuse']
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'insufficient_funds')
  assert.deepEqual(await scene.transfers(purchaseId), [])
  assert.deepEqual(await chargeEvents(purchaseId), ['card_charge.started', 'card_charge.declined'])
  assert.deepEqual(await anna.money(), { wallet: 2_000_001n, held: 0n })
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'paid')
})

test('a charge whose answer is lost is asked for again under its number', async () => {
  const anna = await scene.customer(SHORT)
  const { purchaseId } = await anna.renewal()
  scene.gateway.next = ['lose', 'fail', 'forget']
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'paid')
  assert.equal(scene.gateway.taken.size, 1)
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
})

test('a gateway that does not answer leaves the order waiting, and a worker finishes it', async () => {
  const anna = await scene.customer(SHORT)
  const { server, purchaseId } = await anna.renewal()
  scene.gateway.behaviour = () => 'fail'
  const [first, repeat] = await Promise.all([
    anna.pay(desk, purchaseId, byCard),
    anna.pay(other, purchaseId, byCard),
  ])
  assert.deepEqual([first, repeat], ['settling', 'settling'])
  await desk.drained()
  assert.equal((await scene.purchase(purchaseId)).state, 'awaiting_payment')
  assert.deepEqual(await anna.money(), { wallet: 2_000_001n, held: 0n })
  await scene.assertBooksBalance()
  scene.gateway.behaviour = () => 'do'
  await scene.lapse()
  assert.equal(await resumePayments(other, { limit: 10 }), 1)
  assert.deepEqual(await scene.transfers(purchaseId), PAID)
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'paid')
})

test('voided while its card is charged: the money stays in the wallet', async () => {
  const anna = await scene.customer(SHORT)
  const { server, purchaseId } = await anna.renewal()
  const voided = Promise.withResolvers<void>()
  scene.gateway.gate = voided.promise
  const paying = anna.pay(desk, purchaseId, byCard)
  while (scene.gateway.taken.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const repeating = anna.pay(other, purchaseId, byCard)
  await scene.run(cancelPurchase, { purchaseId })
  voided.resolve()
  assert.equal(await paying, 'credit_kept')
  assert.equal(await repeating, 'credit_kept')
  assert.equal(await anna.pay(other, purchaseId, byCard), 'credit_kept')
  assert.equal(await anna.pay(other, purchaseId, { mayUseCard: true }), 'cancelled')
  assert.deepEqual(await scene.transfers(purchaseId), KEPT)
  assert.deepEqual(await anna.money(), { wallet: 5_000_001n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 0, tile: true })
})

test('a wallet that is drained while the card is charged keeps what was charged', async () => {
  const anna = await scene.customer(SHORT)
  const { purchaseId } = await anna.renewal()
  const drained = Promise.withResolvers<void>()
  scene.gateway.gate = drained.promise
  const paying = anna.pay(desk, purchaseId, { mayUseCard: true })
  while (scene.gateway.taken.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await anna.credit(-1_000_000n)
  drained.resolve()
  assert.equal(await paying, 'credit_kept')
  assert.deepEqual(await anna.money(), { wallet: 4_000_001n, held: 0n })
  assert.equal((await scene.purchase(purchaseId)).state, 'awaiting_payment')
  await anna.credit(1_000_000n)
  assert.equal(await anna.pay(desk, purchaseId), 'paid')
})

test('the provider refuses what a card has paid: all of it is in the wallet', async () => {
  const anna = await scene.customer(SHORT)
  const { server, purchaseId } = await anna.renewal()
  scene.provider.next.set(server.ref, ['refuse'])
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'reversed')
  assert.deepEqual(await scene.transfers(purchaseId), [
    ...KEPT,
    'hold wallet>held 5000000',
    'hold_end held>wallet 5000000',
  ])
  assert.deepEqual(await anna.money(), { wallet: 5_000_001n, held: 0n })
  assert.equal(await anna.pay(desk, purchaseId, byCard), 'paid')
  assert.equal(scene.gateway.taken.size, 1)
})

test('a set is charged for in one, and paid whole or not at all', async () => {
  const anna = await scene.customer({ creditMicros: 6_000_000n, card: true })
  const [one, two] = [await anna.renewal(), await anna.renewal()]
  const call = {
    actor: anna.actor,
    input: { purchaseIds: [one.purchaseId, two.purchaseId], mayUseCard: true },
    idempotencyKey: 'set',
  }
  scene.gateway.behaviour = () => 'lose'
  const charged = Promise.withResolvers<void>()
  scene.gateway.gate = charged.promise
  const paying = desk.pay(call)
  while (scene.gateway.taken.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const wallet = anna.pay(other, two.purchaseId)
  scene.gateway.behaviour = () => 'do'
  charged.resolve()
  assert.deepEqual(
    (await paying).output.map(({ outcome }) => outcome.kind),
    ['paid', 'paid'],
  )
  assert.equal(await wallet, 'already_paid', 'it waited for the set')
  assert.equal(scene.gateway.sumMicros, 4_000_000n)
  assert.deepEqual(await anna.money(), { wallet: 0n, held: 0n })
})

test('a card that was removed is not charged any more; one that is being charged is', async () => {
  const anna = await scene.customer(SHORT)
  const { purchaseId } = await anna.renewal()
  scene.gateway.behaviour = () => 'fail'
  const paying = anna.pay(desk, purchaseId, byCard)
  while ((await chargeEvents(purchaseId)).length === 0) await new Promise(setImmediate)
  await scene.run(removeCard, { accountId: anna.accountId })
  scene.gateway.behaviour = () => 'do'
  assert.equal(await paying, 'paid')
  const next = await anna.renewal()
  assert.equal(await anna.pay(desk, next.purchaseId, byCard).catch(() => 'reused'), 'reused')
  const again = { mayUseCard: true }
  assert.equal(await anna.pay(desk, next.purchaseId, again), 'insufficient_funds')
})
