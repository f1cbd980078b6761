import type { PurserProcess } from './purser-process.ts'
import { progress } from './report.ts'
import { CHARGE_MICROS, CURRENCY, QUANTITY, type Shop } from './shop.ts'

const CHUNK = 100_000
/** Less than a day, so that their idempotency keys are still kept, which is the harder case. */
const WITHIN_SECONDS = 20 * 3600

export interface FilledOrders {
  readonly count: number
  /** Completed where it is left out. Orders that have not ended are due at once. */
  readonly state?: 'pending' | 'in_progress' | 'completed'
  /** Who delivers, and what; left out: the shop's service by the simulated provider. */
  readonly provider?: string
  readonly serviceId?: bigint
  /** The orders were placed one after the other within this time until now. */
  readonly withinSeconds?: number
}

/**
 * Writes orders that were placed and paid, and have come as far as `state` says: with each its
 * transfer and its events, as if they had come by API. Their numbers are taken from the sequence
 * that Purser takes its own from; their providers know them by those. Statistics and vacuum are
 * left to the server. Returns the first number; the others follow.
 */
export async function fillOrders(
  purser: PurserProcess,
  shop: Shop,
  o: FilledOrders,
): Promise<bigint> {
  const { pool } = purser.database
  const { rows } = await pool.query<{ first: bigint }>(
    `select setval('number_block', nextval('number_block') + $1) - $1 as first`,
    [Math.ceil(o.count / 1000) * 1000],
  )
  const first = rows[0]?.first
  if (first === undefined) throw new Error('no numbers for the orders')
  const wallets = [
    shop.wallets.map((wallet) => wallet.accountId),
    shop.wallets.map((wallet) => wallet.walletId),
    shop.wallets.map((wallet) => wallet.keyId),
  ]
  const how = [
    ...[o.serviceId ?? shop.serviceId, shop.revenueId, o.state ?? 'completed'],
    ...[o.provider ?? 'simulated', o.withinSeconds ?? WITHIN_SECONDS],
  ]
  const startedMs = performance.now()
  for (let filled = 0; filled < o.count; filled += CHUNK) {
    const rowsNow = Math.min(CHUNK, o.count - filled)
    const from = first + BigInt(filled)
    const range = [from, from + BigInt(rowsNow) - 1n, first, o.count]
    await pool.query(FILL, [...range, ...wallets, ...how])
    if ((filled / CHUNK) % 10 === 9) {
      const seconds = (performance.now() - startedMs) / 1000
      progress(
        `${(filled + rowsNow).toLocaleString('en-US')} orders filled in ${seconds.toFixed()} s`,
      )
    }
  }
  return first
}

/**
 * $1 to $2: these orders; $3 and $4: the first of all and how many; $5 to $7: the customers; $8:
 * the service; $9: where revenue goes; $10: the state; $11: the provider; $12: within how long.
 */
const FILL = `
  with line as materialized (
    select n as id, ($5::bigint[])[at] as account, ($6::bigint[])[at] as wallet,
      ($7::bigint[])[at] as key, $10::text = 'completed' as ended, $10::text = 'pending' as new,
      clock_timestamp() - $12::integer * interval '1 second'
        * ($4::bigint - (n - $3::bigint)) / $4::bigint as placed_at
    from generate_series($1::bigint, $2::bigint) n,
      lateral (select 1 + (n * 7919 % array_length($5::bigint[], 1))::integer as at) pick
  ), ordered as (
    insert into service_order (id, account_id, api_key_id, service_id, state, quantity, link,
      currency, list_charge, charge, start_count, remains, provider, provider_ref, look_at,
      ended_at, idempotency_key, request_hash, created_at, updated_at)
    select id, account, key, $8, $10, ${QUANTITY}, 'https://shop.example/order/' || id,
      '${CURRENCY}', ${CHARGE_MICROS}, ${CHARGE_MICROS}, case when not new then 0 end,
      case when ended then 0 else ${QUANTITY} end, $11, case when not new then id::text end,
      case when not ended then placed_at end, case when ended then placed_at end,
      gen_random_uuid()::text, sha256(id::text::bytea), placed_at, placed_at
    from line
  ), paid as (
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, account_id,
      created_at)
    select wallet, $9, ${CHARGE_MICROS}, '${CURRENCY}', 'order', id, account, placed_at from line
  )
  insert into event (kind, subject_id, account_id, actor_kind, actor_id, data, created_at)
  select 'order.placed', id, account, 'key', key, null::jsonb, placed_at from line
  union all
  select 'order.' || $10::text, id, account, 'system', null,
    jsonb_build_object('from', 'pending', 'start_count', '0',
      'remains', case when ended then '0' else '${QUANTITY}' end,
      'net_charge_micros', '${CHARGE_MICROS}'), placed_at
  from line where not new`
