import { sql } from 'kysely'
import type { Database, Db, Tx } from '../../db/database.ts'
import type { DeliveryRequest } from './delivery-driver.ts'
import type { OrderStanding } from './order.ts'
import { LEASE_MS } from './order-store.ts'

/** An order to be handed over to its provider. */
export interface UntakenOrder extends DeliveryRequest {
  readonly provider: string
  /** Who may deliver the service, in the order in which they are asked; none: this one alone. */
  readonly providers: readonly string[]
  readonly refusedBy: readonly string[]
  /** Whether its provider may have it already: it was asked before, and the answer is missing. */
  readonly askedBefore: boolean
  /** When it was asked first of those. */
  readonly askedAt: Date | null
  readonly waitingSince: Date | null
}

/** An order that its provider has taken, and as it stands here. */
export interface TakenOrder extends OrderStanding {
  readonly orderId: bigint
  readonly providerRef: string
}

/** What is due at a provider. */
export interface DueLine {
  readonly provider: string
  readonly submit: boolean
  readonly look: boolean
}

/**
 * Which of `providers` have something to do at `now`. Asked for in the index's order, so that no
 * statistics make it a scan of all orders.
 */
export async function readDueLines(
  db: Db,
  o: { now: Date; providers: readonly string[] },
): Promise<DueLine[]> {
  const { rows } = await sql<DueLine>`
    select p.provider,
      (select true from service_order s where s.provider = p.provider
        and s.look_at <= ${o.now}::timestamptz and not s.unfolds
        and s.provider_ref is null order by s.look_at limit 1) is not null as submit,
      (select true from service_order s where s.provider = p.provider
        and s.look_at <= ${o.now}::timestamptz and not s.unfolds
        and s.provider_ref is not null order by s.look_at limit 1) is not null as look
    from unnest(${[...o.providers]}::text[]) as p (provider)`.execute(db)
  return rows.filter((line) => line.submit || line.look)
}

/**
 * Takes up to `limit` orders that are to be handed over to `provider` for `lease`, the longest due
 * first; nobody else touches them until the lease is given back or has lapsed. That the provider
 * is about to be asked is committed before it is, and only where it will be: until then an order
 * can be canceled without it, and from then on it may have it.
 */
export async function claimUntaken(
  database: Database,
  o: { now: Date; lease: string; limit: number; provider: string; askable: boolean },
): Promise<UntakenOrder[]> {
  return await database.transaction(async (tx) => {
    await planByIndex(tx)
    const { rows } = await sql<UntakenOrder>`
      with due as materialized (
        select id, submit_asked_at from service_order
        where provider = ${o.provider} and look_at <= ${o.now}::timestamptz and not unfolds
          and provider_ref is null and unconfirmed_at is null
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at
        limit ${o.limit}
        for no key update skip locked
      )
      update service_order s set
        lease_worker = ${o.lease}::uuid,
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
        look_at = ${new Date(o.now.getTime() + LEASE_MS)}::timestamptz,
        submit_asked_at = case when ${o.askable}
          then coalesce(s.submit_asked_at, ${o.now}::timestamptz) else s.submit_asked_at end
      from due where s.id = due.id
      returning s.id as "orderId", s.service_id as "serviceId", s.quantity, s.link, s.params,
        s.provider, coalesce(s.refused_by, '{}') as "refusedBy",
        due.submit_asked_at is not null as "askedBefore", due.submit_asked_at as "askedAt",
        s.waiting_since as "waitingSince",
        (select t.type from service t where t.id = s.service_id) as type,
        (select p.upstream_service from service_provider p
          where p.service_id = s.service_id and p.provider = s.provider) as "upstreamService",
        array(select p.provider from service_provider p
          where p.service_id = s.service_id order by p.position) as providers`.execute(tx)
    return rows
  })
}

/** When an order is looked at again: the older, the later, within these bounds. */
export interface LookPace {
  readonly leastMs: number
  readonly mostMs: number
}

/**
 * Takes up to `limit` orders that `provider` has and that are due to be looked at, the longest due
 * first, and puts off when they are looked at next. There is no lease: looking is harmless however
 * often it is done, and so a look that learns nothing writes the row this once. Orders that
 * somebody is canceling are left out.
 */
export async function claimLooks(
  database: Database,
  o: { now: Date; limit: number; provider: string; pace: LookPace },
): Promise<TakenOrder[]> {
  return await database.transaction(async (tx) => {
    await planByIndex(tx)
    const { rows } = await sql<TakenOrder>`
      with due as materialized (
        select id from service_order
        where provider = ${o.provider} and look_at <= ${o.now}::timestamptz and not unfolds
          and provider_ref is not null
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at
        limit ${o.limit}
        for no key update skip locked
      )
      update service_order s set
        look_at = ${o.now}::timestamptz + greatest(
          ${o.pace.leastMs} * interval '1 millisecond',
          least((${o.now}::timestamptz - s.created_at) / 4,
            ${o.pace.mostMs} * interval '1 millisecond'))
      from due where s.id = due.id
      returning s.id as "orderId", s.provider_ref as "providerRef", s.state, s.quantity, s.charge,
        s.refunded, s.remains, s.start_count as "startCount"`.execute(tx)
    return rows
  })
}

/**
 * The settings leave the planner only the index for the line and the primary key: this must not
 * become a scan of half a million orders where statistics are old.
 */
async function planByIndex(tx: Tx): Promise<void> {
  await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
    'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort']) as name`.execute(tx)
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

/** Providers that orders wait for at `now` and that are none of `known`. */
export async function readStrangers(
  db: Db,
  o: { now: Date; known: readonly string[] },
): Promise<string[]> {
  const { rows } = await sql<{ provider: string }>`
    with recursive line as (
      select min(provider) as provider from service_order
      where look_at is not null and not unfolds and provider_ref is null
      union all
      select (select min(s.provider) from service_order s where s.provider > line.provider
        and s.look_at is not null and not s.unfolds and s.provider_ref is null)
      from line where line.provider is not null
    )
    select l.provider from line l
    where l.provider <> all (${[...o.known]}::text[]) and (
      select true from service_order s where s.provider = l.provider and not s.unfolds
        and s.look_at <= ${o.now}::timestamptz and s.provider_ref is null
      order by s.look_at limit 1)`.execute(db)
  return rows.map((row) => row.provider)
}
