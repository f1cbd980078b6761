import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newOrderCustomer, type OrderShop, openOrderShop } from '../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { openDatabase } from '../db/database.ts'
import { cleanUpOnce } from './clean-up.ts'

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

async function count(query: string): Promise<number> {
  const { rows } = await shop.database.pool.query<{ n: number }>(
    `select count(*)::integer as n from ${query}`,
  )
  return rows[0]?.n ?? -1
}

test('what is older than its time goes, in chunks; what is not stays', async () => {
  const { accountId, walletId } = await newOrderCustomer(shop)
  const { pool } = shop.database
  await pool.query(
    `insert into service_order (id, account_id, service_id, state, quantity, link, currency,
       list_charge, charge, remains, provider, idempotency_key, request_hash, created_at,
       updated_at)
     select n, $1, $2, 'completed', 1, 'x', 'USD', 0, 0, 0, 'simulated',
       case when n % 2 = 0 then 'k' || n end, case when n % 2 = 0 then '\\x00'::bytea end,
       now() - (1400 - n) * interval '1 hour', now()
     from generate_series(1, 1400) n`,
    [accountId, shop.serviceId],
  )
  await pool.query(
    `insert into idempotency (owner_kind, owner_id, key, operation, input_hash, result, created_at)
     select 'account', $1, 'k' || n, 'x', '\\x00', '{}', now() - n * interval '1 day'
     from generate_series(1, 60) n`,
    [walletId],
  )
  await pool.query(
    `insert into rate_window (bucket, minute, used)
     select 'b' || n, date_trunc('minute', now()) - n * interval '1 minute', 1
     from generate_series(0, 20) n`,
  )
  const hours = 30 * 24
  let chunks = 1
  while (await cleanUpOnce(shop.funnel)) chunks++
  assert.equal(chunks, 2)
  assert.equal(await count('service_order where idempotency_key is not null'), hours / 2)
  assert.equal(
    await count(`service_order where idempotency_key is not null
      and created_at < now() - interval '30 days'`),
    0,
  )
  assert.ok([29, 30].includes(await count('idempotency')))
  assert.ok((await count('rate_window')) <= 6)
  assert.equal(await cleanUpOnce(shop.funnel), false)
})
