import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../../test/kit/postgres.ts'

/**
 * The plan of placing orders is made once, perhaps while every table is empty, and kept. So each
 * look-up must have one index that it can use, whatever the statistics say.
 */
const ORDERS = 200
const WALLET_MICROS = 1_000_000_000n
let database: Awaited<ReturnType<typeof testDatabase>>
let client: pg.Client

before(async () => {
  database = await testDatabase()
  client = new pg.Client(database.connection)
  await client.connect()
})
after(async () => {
  await client.end()
  await database.drop()
})

const LOOK_UP = `select * from place_orders(1, 1, now(), array[$1::bigint], array[$2::bigint],
  array[$3::bigint], array[$4::bigint], array[1::bigint], array[1::bigint], array[100::bigint],
  array[90000::bigint], array[90000::bigint], array['USD'], array['simulated'], array['a link'],
  array[null::jsonb], array[$5], array['\\x00'::bytea],
  array['link of ' || $5], array[false], array['key'], array[1::bigint])`

for (const state of ['never looked at', 'vacuumed while empty', 'analyzed while empty']) {
  test(`keys and links are found by their index: tables ${state}`, async () => {
    await client.query('discard all')
    await client.query('begin')
    await client.query('truncate service_order cascade')
    await client.query('commit')
    if (state !== 'never looked at') {
      await client.query(state.startsWith('vacuumed') ? 'vacuum service_order' : 'analyze')
    }
    const { account, wallet, revenue } = await newWallet(state)
    // What has been counted so far is told first, or it would be told after the reset.
    await client.query('select pg_stat_force_next_flush()')
    await client.query('select pg_stat_reset()')
    for (let order = 1; order <= ORDERS; order++) {
      const id = BigInt(account) * 1_000_000n + BigInt(order)
      await client.query({
        name: `place ${state}`,
        text: LOOK_UP,
        values: [id, account, wallet, revenue, `key-${order}`],
      })
    }
    await client.query('select pg_stat_force_next_flush()')
    const { rows } = await client.query<{ index: string; read: string }>(
      `select indexrelname as index, idx_tup_read as read from pg_stat_user_indexes
       where relname = 'service_order' and idx_scan > 0 order by 1`,
    )
    assert.deepEqual(rows, [
      { index: 'service_order_idempotency_key', read: '0' },
      { index: 'service_order_link_key', read: '0' },
    ])
    const { rows: scans } = await client.query<{ table: string }>(
      `select relname as table from pg_stat_user_tables
       where relname in ('service_order', 'idempotency', 'ledger_account') and seq_scan > 0`,
    )
    assert.deepEqual(scans, [])
  })
}

async function newWallet(
  name: string,
): Promise<{ account: string; wallet: string; revenue: string }> {
  const { rows } = await client.query<{ account: string; wallet: string; revenue: string }>(
    `with a as (
      insert into account (email, name, currency, time_zone, created_at, updated_at)
      values ($1, 'Anna', 'USD', 'UTC', now(), now()) returning id
    ), w as (
      insert into ledger_account (kind, account_id, currency, balance, floor)
      select 'wallet', id, 'USD', $2, 0 from a returning id
    ), r as (
      insert into ledger_account (kind, currency) values ('revenue', 'USD')
      on conflict (kind, currency) where account_id is null do update set currency = 'USD'
      returning id
    )
    select a.id as account, w.id as wallet, r.id as revenue from a, w, r`,
    [`${name}@example.com`, WALLET_MICROS],
  )
  const made = rows[0]
  assert.ok(made)
  return made
}
