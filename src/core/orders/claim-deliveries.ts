import { sql } from 'kysely'
import type { Database } from '../../db/database.ts'
import type { DeliveryRequest } from './delivery-driver.ts'
import { LEASE_MS } from './order-store.ts'

/** An order whose provider is to be asked: handed over, or where it has a ref, looked up. */
export interface DueOrder extends DeliveryRequest {
  readonly provider: string
  readonly providerRef: string | null
  readonly createdAt: Date
}

/**
 * Takes up to `limit` orders that are due at `now` for `lease`, the longest due first; nobody
 * else touches them until the lease is given back or has lapsed. `askable` names the providers
 * that will be asked: until then their orders can be canceled without them.
 *
 * The settings leave the planner only the index on look_at and the primary key: this must not
 * become a scan of half a million orders where statistics are old.
 */
export async function claimDeliveries(
  database: Database,
  o: { now: Date; lease: string; limit: number; askable: readonly string[] },
): Promise<DueOrder[]> {
  return await database.transaction(async (tx) => {
    await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
      'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort']) as name`.execute(
      tx,
    )
    const { rows } = await sql<DueOrder>`
      with due as materialized (
        select id from service_order
        where look_at <= ${o.now}::timestamptz and not unfolds
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at
        limit ${o.limit}
        for no key update skip locked
      )
      update service_order s set
        lease_worker = ${o.lease}::uuid,
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
        look_at = ${new Date(o.now.getTime() + LEASE_MS)}::timestamptz,
        submit_asked_at = case
          when s.provider_ref is null and s.provider = any (${o.askable}::text[])
          then coalesce(s.submit_asked_at, ${o.now}::timestamptz) else s.submit_asked_at end
      from due where s.id = due.id
      returning s.id as "orderId", s.service_id as "serviceId", s.quantity, s.link, s.params,
        s.provider, s.provider_ref as "providerRef",
        (select t.type from service t where t.id = s.service_id) as type,
        (select p.upstream_service from service_provider p
          where p.service_id = s.service_id and p.provider = s.provider) as "upstreamService",
        s.created_at as "createdAt"`.execute(tx)
    return rows
  })
}

/** Keeps what is still held under `lease` from lapsing while its provider takes its time. */
export async function renewClaim(
  database: Database,
  o: { now: Date; lease: string; ids: readonly bigint[] },
): Promise<void> {
  await database.transaction(async (tx) => {
    await sql`
      update service_order set
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
        look_at = ${new Date(o.now.getTime() + LEASE_MS)}::timestamptz
      where id in (
        select id from service_order
        where id = any (${o.ids}::bigint[]) and lease_worker = ${o.lease}::uuid
          and look_at is not null
        order by id for no key update
      )`.execute(tx)
  })
}
