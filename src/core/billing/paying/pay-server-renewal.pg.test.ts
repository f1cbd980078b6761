/** The answers to who pays a server's renewal at once, and what each has left behind. */
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import {
  type PayingCustomer,
  PaymentScene,
  type TestServer,
} from '../../../../test/kit/payment-scene.ts'
import { execute } from '../../execute.ts'
import { createApiKey } from '../../identity/create-api-key.ts'
import { Refusal, type RefusalCode } from '../../refusal.ts'
import { cancelPurchase } from '../cancel-purchase.ts'
import { payDuePurchases } from './pay-due-purchases.ts'
import { payServerRenewal, type RenewalPayment } from './pay-server-renewal.ts'
import type { PaymentDesk } from './payment-desk.ts'

const scene = await PaymentScene.open()
after(() => scene.close())
const desk = scene.desk()
const other = scene.desk()

beforeEach(() => {
  scene.gateway.taken.clear()
})
afterEach(() => scene.assertBooksBalance())

const refused = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code

async function pay(
  customer: PayingCustomer,
  server: Pick<TestServer, 'id'>,
  o: { key?: string; invoiceId?: bigint; at?: PaymentDesk } = {},
): Promise<RenewalPayment & { replayed: boolean }> {
  const { output, replayed } = await payServerRenewal(o.at ?? desk, {
    actor: customer.actor,
    input: { serverId: server.id, invoiceId: o.invoiceId ?? null },
    idempotencyKey: o.key ?? null,
  })
  return { ...output, replayed }
}

async function invoiceOf(purchaseId: bigint): Promise<bigint> {
  const [row] = await scene.query<{ id: bigint }>('select id from invoice where purchase_id = $1', [
    purchaseId,
  ])
  return row!.id
}

const FIVE = { amountMicros: 5_000_000n, currency: 'USD', replayed: false }

test('it is paid once; then it is paid already', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const invoiceId = await invoiceOf(purchaseId)
  assert.deepEqual(await pay(anna, server), { ...FIVE, invoiceId, kind: 'paid' })
  assert.deepEqual(await pay(anna, server), { ...FIVE, invoiceId, kind: 'already_paid' })
  assert.deepEqual(await pay(anna, server, { invoiceId }), {
    ...FIVE,
    invoiceId,
    kind: 'already_paid',
  })
  assert.deepEqual(await anna.money(), { wallet: 15_000_000n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})

test('without a renewal that was made out there is no invoice', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const server = await anna.server({ addon: true })
  const none = { ...FIVE, amountMicros: 7_000_000n, invoiceId: null, kind: 'no_invoice' }
  assert.deepEqual(await pay(anna, server, { key: 'none' }), none)
  const purchaseId = await anna.renew(server)
  const invoiceId = await invoiceOf(purchaseId)
  const seven = { ...FIVE, amountMicros: 7_000_000n, invoiceId }
  assert.deepEqual(await pay(anna, server, { key: 'none' }), { ...seven, kind: 'paid' })
  const foreign = await anna.renewal()
  const other = await invoiceOf(foreign.purchaseId)
  const answer = await pay(anna, server, { invoiceId: other })
  assert.deepEqual(answer, { ...seven, kind: 'no_invoice' })
})

test('a voided one is not paid', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const invoiceId = await invoiceOf(purchaseId)
  await scene.run(cancelPurchase, { purchaseId })
  assert.equal((await pay(anna, server, { invoiceId })).kind, 'cancelled')
  assert.deepEqual(await pay(anna, server), { ...FIVE, invoiceId, kind: 'no_invoice' })
  assert.deepEqual(await anna.money(), { wallet: 20_000_000n, held: 0n })
})

test('a server that is suspended for abuse is not renewed, made out or not', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const [open, none] = [await anna.renewal(), await anna.server()]
  await scene.query(
    `update server set state = 'suspended', suspended_for = 'abuse' where account_id = $1`,
    [anna.accountId],
  )
  assert.equal((await pay(anna, open.server)).kind, 'not_renewable')
  assert.equal((await pay(anna, none)).kind, 'not_renewable')
})

test('short of money; then by card', async () => {
  const anna = await scene.customer({ creditMicros: 1_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const invoiceId = await invoiceOf(purchaseId)
  assert.deepEqual(await pay(anna, server), { ...FIVE, invoiceId, kind: 'insufficient_funds' })
  const bert = await scene.customer({ creditMicros: 1_000_000n, card: true })
  const his = await bert.renewal()
  assert.equal((await pay(bert, his.server)).kind, 'paid')
  assert.equal(scene.gateway.sumMicros, 4_000_000n)
})

test('reversed by the provider, then paid under the same key', async () => {
  const anna = await scene.customer({ creditMicros: 5_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const invoiceId = await invoiceOf(purchaseId)
  scene.provider.next.set(server.ref, ['refuse'])
  const answer = await pay(anna, server, { key: 'k' })
  assert.deepEqual(answer, { ...FIVE, invoiceId, kind: 'reversed' })
  assert.deepEqual(await pay(anna, server, { key: 'k' }), { ...FIVE, invoiceId, kind: 'paid' })
})

test('a repeat gets the first answer, also when the next renewal is made out', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const { server, purchaseId } = await anna.renewal()
  const invoiceId = await invoiceOf(purchaseId)
  const paid = { ...FIVE, invoiceId, kind: 'paid' }
  const first = await Promise.all(
    Array.from({ length: 10 }, (_, at) =>
      pay(anna, server, { key: 'k', at: at % 2 === 0 ? desk : other }),
    ),
  )
  assert.equal(first.filter(({ replayed }) => !replayed).length, 1)
  for (const answer of first) assert.deepEqual({ ...answer, replayed: false }, paid)
  assert.deepEqual(await pay(anna, server, { key: 'k' }), { ...paid, replayed: true })
  await anna.renew(server)
  assert.deepEqual(await pay(anna, server, { key: 'k' }), { ...paid, replayed: true })
  const { server: another } = await anna.renewal()
  await assert.rejects(pay(anna, another, { key: 'k' }), refused('idempotency_key_reused'))
  await assert.rejects(
    pay(anna, server, { key: 'k', invoiceId }),
    refused('idempotency_key_reused'),
  )
  assert.deepEqual(await anna.money(), { wallet: 15_000_000n, held: 0n })
})

test('a key of another operation, or of an order, is not taken', async () => {
  const anna = await scene.customer({ creditMicros: 20_000_000n })
  const { server } = await anna.renewal()
  const none = await anna.server()
  const input = { accountId: anna.accountId, name: 'key', scopes: ['read:all'] }
  const terms = { discountPpm: 0, legacyErrors: false }
  const operator = { kind: 'operator', operatorId: 7n } as const
  await execute(scene.funnel, createApiKey, {
    actor: operator,
    input: { ...input, ...terms },
    idempotencyKey: 'operators',
    sealWith: 'secret',
  })
  assert.equal((await pay(anna, server, { key: 'operators' })).kind, 'paid', 'another owner')
  await scene.query(
    `insert into service_category (name) values ('c');
     insert into service (category_id, name, type, min_quantity, max_quantity, created_at,
       updated_at)
     values (1, 's', 'Default', 1, 1, now(), now())`,
  )
  await scene.query(
    `insert into service_order (id, account_id, service_id, quantity, link, currency, list_charge,
       charge, remains, provider, look_at, idempotency_key, request_hash, created_at, updated_at)
     values (1, $1, 1, 1, 'l', 'USD', 0, 0, 1, 'simulated', now(), 'orders', '\\x00', now(), now())`,
    [anna.accountId],
  )
  await scene.query(
    `insert into event (kind, subject_id, account_id, actor_kind, created_at)
     values ('order.placed', 1, $1, 'system', now())`,
    [anna.accountId],
  )
  const { server: open } = await anna.renewal()
  for (const each of [open, none]) {
    await assert.rejects(pay(anna, each, { key: 'orders' }), refused('idempotency_key_reused'))
    await assert.rejects(pay(anna, each, { key: 'no spaces' }), refused('idempotency_key_invalid'))
  }
})

test('what is not there, or of another, is not found; and the right is needed', async () => {
  const [anna, bert] = [await scene.customer(), await scene.customer()]
  const server = await anna.server()
  await assert.rejects(pay(bert, server), refused('not_found'))
  await assert.rejects(pay(anna, { id: 999_999n }), refused('not_found'))
  const call = { input: { serverId: server.id, invoiceId: null }, idempotencyKey: null }
  const reader = { ...anna.actor, scopes: ['read:all'] as const }
  await assert.rejects(
    payServerRenewal(desk, { ...call, actor: reader }),
    refused('insufficient_scope'),
  )
})

test('fifty who pay and the scheduler on two processes: one debit, one period', async () => {
  const anna = await scene.customer({ creditMicros: 50_000_000n, card: true })
  const { server, purchaseId } = await anna.renewal({ autoPay: true })
  await scene.query(`update purchase set pay_at = now() - interval '1 hour' where id = $1`, [
    purchaseId,
  ])
  const kinds: string[] = []
  await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const by = scene.desks[at % 2]!
      if (at % 5 === 0) await payDuePurchases(by, { limit: 10 })
      else if (at % 5 === 1) kinds.push(await anna.pay(by, purchaseId))
      else kinds.push((await pay(anna, server, { at: by })).kind)
    }),
  )
  assert.ok(kinds.filter((kind) => kind === 'paid').length <= 1)
  assert.ok(kinds.every((kind) => kind === 'paid' || kind === 'already_paid'))
  assert.deepEqual(await anna.money(), { wallet: 45_000_000n, held: 0n })
  assert.deepEqual(await anna.periods(server), { paid: 1, tile: true })
})
