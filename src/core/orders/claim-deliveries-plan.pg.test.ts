/** Claims must not become scans of all orders, whatever the statistics say. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newOrderCustomer, type OrderShop, openOrderShop } from '../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { openDatabase } from '../../db/database.ts'
import { claimLooks, claimUntaken, readDueLines } from './claim-deliveries.ts'

let place: TestDatabase
let shop: OrderShop

/** Many orders that have ended, of which the statistics think that they wait for the provider. */
before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  const { accountId } = await newOrderCustomer(shop)
  const { pool } = shop.database
  await pool.query(
    `insert into service_order (id, account_id, service_id, quantity, link, currency, list_charge,
       charge, remains, provider, provider_ref, look_at, created_at, updated_at)
     select n, $1, $2, 100, 'https://shop.example', 'USD', 0, 0, 100, 'simulated',
       case when n % 2 = 0 then 'sim-' || n end, now(), now(), now()
     from generate_series(1, 20000) n`,
    [accountId, shop.serviceId],
  )
  await pool.query('analyze service_order')
  await pool.query(`alter table service_order set (autovacuum_enabled = false)`)
  await pool.query(
    `update service_order set state = 'completed', look_at = null, remains = 0 where id > 20`,
  )
})
after(async () => {
  await shop.database.close()
  await place.drop()
})

/** How many rows of orders were read by scanning the whole table, since the last asking. */
async function scanned(work: () => Promise<unknown>): Promise<bigint> {
  const read = async () => {
    await shop.database.pool.query('select pg_stat_force_next_flush()')
    const { rows } = await shop.database.pool.query<{ rows: bigint }>(
      `select seq_tup_read as rows from pg_stat_user_tables where relname = 'service_order'`,
    )
    return rows[0]?.rows ?? 0n
  }
  const before = await read()
  await work()
  return (await read()) - before
}

test('what is due is found and claimed by index', async () => {
  const { database } = shop
  const now = new Date(Date.now() + 60_000)
  const provider = 'simulated'
  const pace = { leastMs: 1_000, mostMs: 45_000 }
  const claim = { now, lease: crypto.randomUUID(), limit: 200, provider, askable: true }
  const counted = await scanned(async () => {
    const lines = await readDueLines(database.db, { now, providers: [provider, 'other'] })
    assert.deepEqual(lines, [{ provider, submit: true, look: true }])
    assert.equal((await claimUntaken(database, claim)).length, 10)
    assert.equal((await claimLooks(database, { now, limit: 500, provider, pace })).length, 10)
    const none = await readDueLines(database.db, { now: new Date(0), providers: [provider] })
    assert.deepEqual(none, [])
  })
  assert.equal(counted, 0n)
  const whole = () => shop.database.pool.query('select sum(quantity) from service_order')
  assert.ok((await scanned(whole)) > 0n, 'a scan would have been counted')
})
