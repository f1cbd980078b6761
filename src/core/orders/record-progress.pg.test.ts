import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  balanceOf,
  checkOrderBooks,
  eventsOf,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { openDatabase } from '../../db/database.ts'
import { type KeyActor, SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import type { OrderState } from './order.ts'
import { findOrder, listOrders, listRefunds } from './order-views.ts'
import { type ProgressReport, recordProgress } from './record-progress.ts'
import { refundOrder } from './refund-order.ts'
import { type SetOrderStatusInput, setOrderStatus } from './set-order-status.ts'

let place: TestDatabase
let shop: OrderShop
let customer: KeyActor

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
})
after(async () => {
  try {
    await checkOrderBooks(shop)
  } finally {
    await shop.database.close()
    await place.drop()
  }
})

const MISSING = 10n ** 15n
const OPERATOR = { kind: 'operator', operatorId: 1n } as const

async function record(reports: readonly ProgressReport[]): Promise<number> {
  const input = { reports, lease: null }
  const call = { actor: SYSTEM, input, idempotencyKey: null }
  return (await execute(shop.funnel, recordProgress, call)).output.changed
}

function said(orderId: bigint, state: OrderState, remains: bigint | null): ProgressReport {
  return { orderId, report: { state, remains, startCount: 42n } }
}

function set(orderId: bigint, input: Omit<SetOrderStatusInput, 'orderId'>) {
  const call = { actor: OPERATOR, input: { orderId, ...input }, idempotencyKey: null }
  return execute(shop.funnel, setOrderStatus, call)
}

function refund(
  orderId: bigint,
  amountMicros: bigint | null,
  idempotencyKey: string | null = null,
) {
  const input = { orderId, amountMicros, reason: 'late' }
  return execute(shop.funnel, refundOrder, { actor: OPERATOR, input, idempotencyKey })
}

test('progress is written once, and what is late or repeated changes nothing', async () => {
  const id = await placeOrderOf(shop, customer)
  assert.equal(await record([said(id, 'in_progress', 700n)]), 1)
  assert.equal(await record([said(id, 'in_progress', 700n)]), 0)
  assert.equal(await record([said(id, 'in_progress', 900n)]), 0)
  assert.equal(await record([said(id, 'pending', 1000n)]), 0)
  assert.equal((await orderFacts(shop, id)).remains, 700n)
  assert.equal(await record([said(id, 'completed', 0n)]), 1)
  assert.equal(await record([said(id, 'partial', 500n)]), 0)
  const order = await orderFacts(shop, id)
  assert.deepEqual(
    [order.state, order.remains, order.start_count, order.refunded, order.idle],
    ['completed', 0n, 42n, 0n, true],
  )
  assert.deepEqual(await eventsOf(shop, id), [
    'order.placed',
    'order.in_progress',
    'order.completed',
  ])
})

test('a set of reports is written together, each order by what was said of it', async () => {
  const before = await balanceOf(shop, customer)
  const ids: bigint[] = []
  for (let n = 0; n < 6; n++) {
    ids.push(await placeOrderOf(shop, customer, { quantity: 3n, chargeMicros: 100n }))
  }
  const [running, partial, canceled, failed, completed, silent] = ids as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  const changed = await record([
    { orderId: silent, report: null },
    said(completed, 'completed', null),
    said(failed, 'failed', 1n),
    said(canceled, 'canceled', 2n),
    said(partial, 'partial', 1n),
    said(running, 'in_progress', 2n),
    said(MISSING, 'failed', null),
  ])
  assert.equal(changed, 5)
  const refunded = await Promise.all(ids.map(async (id) => (await orderFacts(shop, id)).refunded))
  assert.deepEqual(refunded, [0n, 33n, 66n, 100n, 0n, 0n])
  assert.equal(await balanceOf(shop, customer), before - 600n + 199n)
})

test('the same end reported many times at once refunds once', async () => {
  const id = await placeOrderOf(shop, customer)
  const reports = ['partial', 'failed', 'canceled', 'partial'] as const
  const changed = await Promise.all(reports.map((state) => record([said(id, state, 500n)])))
  assert.equal(
    changed.reduce((sum, n) => sum + n, 0),
    1,
  )
  assert.equal((await listRefunds(shop.database.db, id)).length, 1)
})

test('the operator sets states and remains, and what is given back follows', async () => {
  const id = await placeOrderOf(shop, customer)
  await set(id, { state: 'in_progress', startCount: 5n })
  await set(id, { remains: 400n })
  await set(id, { state: 'partial' })
  const order = await orderFacts(shop, id)
  assert.deepEqual([order.state, order.remains, order.refunded], ['partial', 400n, 400_000n])
  assert.deepEqual(await eventsOf(shop, id), [
    'order.placed',
    'order.in_progress',
    'order.adjusted',
    'order.partial',
  ])
  await assert.rejects(set(id, { state: 'completed' }), { code: 'invalid_state' })
  await assert.rejects(set(id, { remains: 3n }), { code: 'invalid_state' })
})

test('the operator is told what cannot be', async () => {
  const id = await placeOrderOf(shop, customer)
  await assert.rejects(set(id, { remains: 1001n }), { code: 'invalid_input' })
  await assert.rejects(set(id, { remains: -1n }), { code: 'invalid_input' })
  await assert.rejects(set(id, { state: 'completed', remains: 1n }), { code: 'invalid_input' })
  await assert.rejects(set(MISSING, { state: 'done' }), { code: 'order_not_found' })
  await assert.rejects(refund(MISSING, null), { code: 'order_not_found' })
  await assert.rejects(refund(id, 0n), { code: 'invalid_input' })
  await assert.rejects(refund(id, 1_000_001n), { code: 'refund_exceeds_charge' })
  assert.deepEqual(await eventsOf(shop, id), ['order.placed'])
})

test('the operator refunds a part, then the rest, under a key once', async () => {
  const id = await placeOrderOf(shop, customer)
  const first = await refund(id, 250_000n, 'refund-a')
  const again = await refund(id, 250_000n, 'refund-a')
  assert.deepEqual([again.replayed, again.output], [true, first.output])
  const rest = await refund(id, null)
  assert.equal(rest.output.amountMicros, '750000')
  await assert.rejects(refund(id, null), { code: 'refund_exceeds_charge' })
  assert.equal(await record([said(id, 'failed', null)]), 1)
  assert.equal((await orderFacts(shop, id)).refunded, 1_000_000n)
  assert.deepEqual(
    (await listRefunds(shop.database.db, id)).map((row) => [row.cause, row.amountMicros]),
    [
      ['operator', 250_000n],
      ['operator', 750_000n],
    ],
  )
})

test('a customer may neither set nor refund', async () => {
  const input = { orderId: 1n, amountMicros: null, reason: 'mine' }
  const call = { actor: customer, input, idempotencyKey: null }
  await assert.rejects(execute(shop.funnel, refundOrder, call), { code: 'insufficient_scope' })
})

test('pages of orders go from the newest to the oldest without gap or overlap', async () => {
  const owner = await newOrderCustomer(shop)
  const ids: bigint[] = []
  for (let n = 0; n < 7; n++) ids.push(await placeOrderOf(shop, owner))
  const seen: bigint[] = []
  let beforeId: bigint | undefined
  for (let page = 0; page < 4; page++) {
    const orders = await listOrders(shop.database.db, {
      accountId: owner.accountId,
      beforeId,
      limit: 2,
    })
    seen.push(...orders.map((order) => order.id))
    beforeId = seen.at(-1)
  }
  assert.deepEqual(seen, ids.toReversed())
  const none = { accountId: owner.accountId, state: 'failed', limit: 10 } as const
  assert.deepEqual(await listOrders(shop.database.db, none), [])
  const one = await findOrder(shop.database.db, ids[0] ?? 0n)
  assert.deepEqual([one?.serviceType, one?.chargeMicros], ['Default', 1_000_000n])
  assert.equal(await findOrder(shop.database.db, MISSING), undefined)
})

test('a late answer of who has lost the order ends nothing and names nothing', async () => {
  const { pool } = shop.database
  const id = await placeOrderOf(shop, customer)
  const lease = crypto.randomUUID()
  const late = async (report: Omit<ProgressReport, 'orderId'>) => {
    const input = { reports: [{ orderId: id, ...report }], lease }
    await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
  }
  const notices = async () => {
    const { rows } = await pool.query<{ provider_ref: string }>(
      `select data->>'provider_ref' as provider_ref from notice
       where kind = 'order.taken_twice' and subject = $1`,
      [`order ${id}`],
    )
    return rows.map((row) => row.provider_ref)
  }
  await late({ provider: 'simulated', report: said(id, 'failed', null).report })
  assert.equal((await orderFacts(shop, id)).state, 'pending', 'another asks meanwhile')
  await pool.query(`update service_order set provider = 'second' where id = $1`, [id])
  const accepted = { report: { state: 'pending', remains: null, startCount: null } } as const
  await late({ ...accepted, provider: 'simulated', providerRef: 'first-1' })
  assert.equal((await orderFacts(shop, id)).provider_ref, null)
  assert.deepEqual(await notices(), ['first-1'])
  await late({ ...accepted, provider: 'second', providerRef: 'second-1' })
  assert.equal((await orderFacts(shop, id)).provider_ref, 'second-1')
  await late({ ...accepted, provider: 'second', providerRef: 'second-2' })
  assert.equal((await orderFacts(shop, id)).provider_ref, 'second-1')
  assert.equal((await orderFacts(shop, id)).refunded, 0n)
  assert.deepEqual((await notices()).length, 1, 'open once for an order')
})
