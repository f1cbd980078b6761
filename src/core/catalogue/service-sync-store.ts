import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'

/** A service's new rate in a currency. Micros for 1000. */
export interface SyncedRate {
  readonly serviceId: bigint
  readonly rateMicros: bigint
}

/** Prices that are there change, others are added. */
export async function setRateRows(
  tx: Tx,
  currency: string,
  rates: readonly SyncedRate[],
): Promise<void> {
  const column = columnOf(rates)
  await sql`
    insert into service_price (service_id, currency, rate)
    select i.service_id, ${currency}, i.rate
    from rows from (
      unnest(${column((rate) => rate.serviceId)}::bigint[]),
      unnest(${column((rate) => rate.rateMicros)}::bigint[])
    ) as i (service_id, rate)
    order by i.service_id
    on conflict (service_id, currency) do update set rate = excluded.rate`.execute(tx)
}

/** Those of `ids` that were active. */
export async function pauseRows(tx: Tx, ids: readonly bigint[], now: Date): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    update service s set state = 'paused', updated_at = ${now}::timestamptz
    from (
      select id from service where id = any (${ids}::bigint[]) and state = 'active'
      order by id for no key update
    ) active
    where s.id = active.id
    returning s.id`.execute(tx)
  return rows.map((row) => row.id)
}
