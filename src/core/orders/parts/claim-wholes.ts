import { sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Database } from '../../../db/database.ts'
import type { Whole } from './unfolding.ts'

/** An order in parts whose turn it is. */
export interface DueWhole extends Whole {
  readonly params: unknown
  readonly provider: string
}

/** How long nobody else unfolds or cancels an order that somebody has in hand. */
const LEASE_MS = 25_000

/**
 * Takes up to `limit` orders in parts that are due at `now` for `lease`, the longest due first.
 * What a process held when it died is due again once the lease has lapsed.
 */
export async function claimWholes(
  database: Database,
  o: { now: Date; lease: string; limit: number },
): Promise<DueWhole[]> {
  return await database.transaction(async (tx) => {
    await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
      'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_sort']) as name`.execute(
      tx,
    )
    const { rows } = await sql<DueWhole>`
      with due as materialized (
        select id from service_order
        where look_at <= ${o.now}::timestamptz and unfolds
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at
        limit ${o.limit}
        for no key update skip locked
      )
      update service_order s set
        lease_worker = ${o.lease}::uuid,
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
        look_at = ${heldUntil(o.now)}::timestamptz
      from due where s.id = due.id
      returning s.id, s.link, s.params, s.provider, s.state, s.quantity, s.charge, s.refunded,
        s.remains, s.start_count as "startCount", s.created_at as "createdAt",
        s.paused_at as "pausedAt", s.cancel_requested_at as "cancelRequestedAt"`.execute(tx)
    return rows
  })
}

function heldUntil(claimedAt: Date): Date {
  return new Date(claimedAt.getTime() + LEASE_MS)
}

/**
 * Lets go of orders that were claimed at `claimedAt` and of which there was nothing to write, until
 * it is their turn again; sooner where somebody has asked for that meanwhile.
 */
export async function releaseWholes(
  database: Database,
  o: {
    lease: string
    claimedAt: Date
    looks: readonly { readonly id: bigint; readonly lookAt: Date }[]
  },
): Promise<void> {
  if (o.looks.length === 0) return
  const column = columnOf(o.looks.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
  await database.transaction(async (tx) => {
    await sql`
      with held as materialized (
        select s.id, i.look_at
        from rows from (
          unnest(${column((look) => look.id)}::bigint[]),
          unnest(${column((look) => look.lookAt)}::timestamptz[])
        ) as i (id, look_at)
        join service_order s on s.id = i.id
        where s.lease_worker = ${o.lease}::uuid and s.look_at is not null
        order by s.id
        for no key update of s
      )
      update service_order s set
        look_at = case when s.look_at = ${heldUntil(o.claimedAt)}::timestamptz
          then held.look_at else s.look_at end,
        lease_worker = null, lease_until = null
      from held where s.id = held.id`.execute(tx)
  })
}
