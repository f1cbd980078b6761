import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  balanceOf,
  checkOrderBooks,
  eventsOf,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../../test/kit/postgres.ts'
import { openDatabase } from '../../../db/database.ts'
import { type KeyActor, SYSTEM } from '../../actor.ts'
import { execute } from '../../execute.ts'
import type { Operation } from '../../operation.ts'
import { Refusal } from '../../refusal.ts'
import { recordProgress } from '../record-progress.ts'
import { refundOrder } from '../refund-order.ts'
import type { Correction } from './correction.ts'
import { listCorrections } from './correction-views.ts'
import { confirmCorrection, dismissCorrection } from './decide-correction.ts'
import { proposeCorrections, type Revision } from './propose-corrections.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const
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

/** As whoever looks at orders again calls it. */
const revise: Operation<{ revisions: readonly Revision[] }, { changed: number }> = {
  name: 'test.revise',
  permission: 'system',
  run: async (context, { revisions }) => ({
    changed: await proposeCorrections(context, revisions),
  }),
}

async function revised(
  orderId: bigint,
  remains: bigint | null,
  state: Revision['state'] = 'partial',
): Promise<number> {
  const input = { revisions: [{ orderId, state, remains }] }
  const call = { actor: SYSTEM, input, idempotencyKey: null }
  return (await execute(shop.funnel, revise, call)).output.changed
}

async function decide<Input, Output>(
  operation: Operation<Input, Output>,
  input: Input,
): Promise<Output> {
  const call = { actor: OPERATOR, input, idempotencyKey: null }
  return (await execute(shop.funnel, operation, call)).output
}

function confirm(correctionId: bigint, amountMicros: bigint | null = null): Promise<Correction> {
  return decide(confirmCorrection, { correctionId, amountMicros, reason: 'Less was delivered' })
}

function refuses(code: string) {
  return (error: unknown): boolean => error instanceof Refusal && error.code === code
}

/** An order of 1000 for 1.00 that has been delivered. */
async function completed(): Promise<bigint> {
  const orderId = await placeOrderOf(shop, customer)
  const report = { state: 'completed', remains: 0n, startCount: null } as const
  const input = { reports: [{ orderId, report }], lease: null }
  await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
  return orderId
}

async function open(): Promise<Correction[]> {
  return await listCorrections(shop.database.db, { state: 'open', limit: 10 })
}

async function openNotices(): Promise<string[]> {
  const { rows } = await shop.database.pool.query<{ subject: string }>(
    `select subject from notice where kind = 'order.correction' and closed_at is null`,
  )
  return rows.map((row) => row.subject)
}

test('what a provider takes back changes no state and is given back once confirmed', async () => {
  const before = await balanceOf(shop, customer)
  const order = await completed()
  assert.equal(await revised(order, 400n), 1)
  assert.equal(await revised(order, 400n), 0, 'said again')
  const [correction] = await open()
  assert.ok(correction)
  assert.deepEqual(
    [correction.orderId, correction.part, correction.remains, correction.amountMicros],
    [String(order), null, '400', '400000'],
  )
  assert.deepEqual(await openNotices(), [`order ${order}`])
  assert.equal((await orderFacts(shop, order)).refunded, 0n)
  const confirmed = await confirm(BigInt(correction.id))
  assert.deepEqual([confirmed.state, confirmed.decidedBy], ['confirmed', '1'])
  const facts = await orderFacts(shop, order)
  assert.deepEqual([facts.state, facts.remains, facts.refunded], ['completed', 0n, 400_000n])
  assert.equal(await balanceOf(shop, customer), before - 600_000n)
  assert.deepEqual(await eventsOf(shop, order), [
    'order.placed',
    'order.completed',
    'order.correction_proposed',
    'order.refunded',
    'order.correction_confirmed',
  ])
  assert.deepEqual([await open(), await openNotices()], [[], []])
  await assert.rejects(confirm(BigInt(correction.id)), refuses('invalid_state'))
})

test('the last word counts, and what was decided is not proposed again', async () => {
  const order = await completed()
  await revised(order, 100n)
  await revised(order, 250n)
  const [first, ...others] = await open()
  assert.deepEqual([first?.amountMicros, others], ['250000', []])
  const correctionId = BigInt(first?.id ?? 0)
  await decide(dismissCorrection, { correctionId })
  await assert.rejects(decide(dismissCorrection, { correctionId }), refuses('invalid_state'))
  assert.equal(await revised(order, 250n), 0)
  assert.equal(await revised(order, 300n), 1)
  const [second] = await open()
  assert.equal(second?.amountMicros, '50000', 'only what is missing beyond it')
  await confirm(BigInt(second?.id ?? 0), 10_000n)
  assert.equal((await orderFacts(shop, order)).refunded, 10_000n)
})

test('who fails and does not say how far it came has delivered nothing', async () => {
  const order = await completed()
  assert.equal(await revised(order, null, 'partial'), 0)
  assert.equal(await revised(order, null, 'failed'), 1)
  const [correction] = await open()
  assert.deepEqual([correction?.remains, correction?.amountMicros], ['1000', '1000000'])
  await decide(dismissCorrection, { correctionId: BigInt(correction?.id ?? 0) })
})

test('no more than the charge is given back, whoever else gives back', async () => {
  const order = await completed()
  const refund = { orderId: order, amountMicros: 700_000n, reason: 'Sorry' }
  await decide(refundOrder, refund)
  assert.equal(await revised(order, 500n), 1)
  const [capped] = await open()
  assert.equal(capped?.amountMicros, '300000')
  const correctionId = BigInt(capped?.id ?? 0)
  const raced = await Promise.allSettled([
    confirm(correctionId),
    confirm(correctionId),
    decide(refundOrder, { ...refund, amountMicros: 200_000n }),
    decide(refundOrder, { ...refund, amountMicros: 200_000n }),
  ])
  for (const result of raced) {
    if (result.status === 'fulfilled') continue
    const { reason } = result
    assert.ok(refuses('refund_exceeds_charge')(reason) || refuses('invalid_state')(reason), reason)
  }
  const { refunded } = await orderFacts(shop, order)
  assert.ok(refunded === 1_000_000n || refunded === 900_000n, String(refunded))
  const [left] = await open()
  if (left !== undefined) {
    await assert.rejects(confirm(correctionId), refuses('refund_exceeds_charge'))
    await decide(dismissCorrection, { correctionId })
  }
})

test('what a provider says while a correction is confirmed is not lost', async () => {
  const order = await completed()
  await revised(order, 100n)
  const [correction] = await open()
  const other = await shop.database.pool.connect()
  try {
    await other.query('begin')
    await other.query(`update correction set remains = 400, amount = 400000 where id = $1`, [
      correction?.id,
    ])
    const confirming = confirm(BigInt(correction?.id ?? 0))
    for (let waits = 0; waits === 0; await pause(20)) {
      const { rowCount } = await shop.database.pool.query(
        `select from pg_locks l join pg_stat_activity a using (pid)
         where not l.granted and l.locktype = 'transactionid' and a.datname = current_database()`,
      )
      waits = rowCount ?? 0
    }
    await other.query('commit')
    await assert.rejects(confirming, refuses('conflict'))
  } finally {
    other.release()
  }
  assert.equal((await orderFacts(shop, order)).refunded, 0n)
  await confirm(BigInt(correction?.id ?? 0))
  assert.equal((await orderFacts(shop, order)).refunded, 400_000n)
  assert.equal(await revised(order, 400n), 0)
})

test('what is decided while its provider says the same again is not proposed again', async () => {
  const order = await completed()
  await revised(order, 100n)
  const other = await shop.database.pool.connect()
  try {
    await other.query('begin')
    await other.query(
      `update correction set state = 'dismissed', decided_at = now() where order_id = $1`,
      [order],
    )
    const revising = revised(order, 100n)
    for (let waits = 0; waits === 0; await pause(20)) {
      const { rowCount } = await shop.database.pool.query(
        `select from pg_locks where not granted and locktype = 'transactionid'`,
      )
      waits = rowCount ?? 0
    }
    await other.query('commit')
    assert.equal(await revising, 0)
  } finally {
    other.release()
  }
})

test('an order that goes on, or cost nothing, is not corrected', async () => {
  assert.equal(await revised(await placeOrderOf(shop, customer), 10n), 0)
  const free = await placeOrderOf(shop, customer, { chargeMicros: 0n })
  const report = { state: 'completed', remains: 0n, startCount: null } as const
  const input = { reports: [{ orderId: free, report }], lease: null }
  await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
  assert.equal(await revised(free, 10n), 0)
})

test('of an order in parts each part is corrected, and the whole pays back', async () => {
  const { pool } = shop.database
  const whole = await completed()
  const parts = [1, 2].map((part) => ({ id: whole * 1_000n + BigInt(part), part }))
  for (const { id, part } of parts) {
    const own = { id: String(id), part, parent_id: String(whole), quantity: 500 }
    await pool.query(
      `insert into service_order
       select (jsonb_populate_record(o, $2::jsonb)).* from service_order o where o.id = $1`,
      [whole, JSON.stringify({ ...own, charge: 0, list_charge: 0 })],
    )
    assert.equal(await revised(id, 100n), 1)
  }
  const corrections = await open()
  assert.deepEqual(
    corrections.map(({ orderId, part, amountMicros }) => [orderId, part, amountMicros]),
    [2, 1].map((part) => [String(whole), part, '100000']),
  )
  for (const { id } of corrections) await confirm(BigInt(id))
  assert.equal((await orderFacts(shop, whole)).refunded, 200_000n)
  await pool.query(
    'delete from correction where order_id in (select id from service_order where parent_id = $1)',
    [whole],
  )
  await pool.query('delete from service_order where parent_id = $1', [whole])
})
