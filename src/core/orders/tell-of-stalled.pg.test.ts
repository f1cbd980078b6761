import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  placeOrderOf,
} from '../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { openDatabase } from '../../db/database.ts'
import { SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import { recordProgress } from './record-progress.ts'
import { tellOfStalled } from './tell-of-stalled.ts'

const DAY_MS = 86_400_000
let place: TestDatabase
let shop: OrderShop

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
})
after(async () => {
  await shop.database.close()
  await place.drop()
})

async function tell() {
  const since = new Date(shop.clock.now().getTime() - 7 * DAY_MS)
  const input = { since, limit: 10 }
  return (await execute(shop.funnel, tellOfStalled, { actor: SYSTEM, input, idempotencyKey: null }))
    .output
}

async function openNotices(): Promise<string[]> {
  const { rows } = await shop.database.pool.query<{ subject: string }>(
    `select subject from notice where kind = 'order.stalled' and closed_at is null order by id`,
  )
  return rows.map((row) => row.subject)
}

test('an order of which nothing is heard for a week is told of, until it moves', async () => {
  const customer = await newOrderCustomer(shop)
  const { pool } = shop.database
  const taken = await placeOrderOf(shop, customer)
  const untaken = await placeOrderOf(shop, customer)
  const whole = await placeOrderOf(shop, customer, {
    unfolds: true,
    params: { runs: '2', interval: '99' },
  })
  await pool.query(`update service_order set provider_ref = 'x' where id = $1`, [taken])
  assert.deepEqual(await tell(), { raised: 0, settled: 0 })
  shop.clock.shiftTo(8 * DAY_MS)
  const fresh = await placeOrderOf(shop, customer)
  assert.deepEqual(await tell(), { raised: 2, settled: 0 })
  assert.deepEqual(await openNotices(), [`order ${taken}`, `order ${untaken}`])
  assert.deepEqual(await tell(), { raised: 0, settled: 0 })
  const report = { state: 'in_progress', remains: 10n, startCount: null } as const
  const input = { reports: [{ orderId: taken, report }], lease: null }
  await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
  assert.deepEqual(await tell(), { raised: 0, settled: 1 })
  await pool.query(
    `update notice set closed_at = $2, updated_at = $2 where subject = $1 and closed_at is null`,
    [`order ${untaken}`, shop.clock.now()],
  )
  assert.deepEqual(await tell(), { raised: 0, settled: 0 }, 'an operator has seen to it')
  shop.clock.shiftTo(16 * DAY_MS)
  assert.deepEqual(await tell(), { raised: 3, settled: 0 })
  assert.deepEqual(
    (await openNotices()).toSorted(),
    [taken, untaken, fresh].map((id) => `order ${id}`).toSorted(),
  )
  assert.ok(!(await openNotices()).includes(`order ${whole}`), 'its parts are told of')
})
