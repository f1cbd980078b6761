import { sql } from 'kysely'
import type { Database } from '../../db/database.ts'
import { SECRET_OVERLAP_MS } from './webhook.ts'

/** An endpoint that is taken, and what is to be sent there, in this order. */
export interface ClaimedEndpoint {
  readonly id: bigint
  readonly publicId: string
  /** Under which it was taken. */
  readonly lease: string
  readonly url: string
  /** Sealed; the newest first. */
  readonly secrets: readonly string[]
  readonly isFailing: boolean
  readonly messages: readonly DueMessage[]
}

export interface DueMessage {
  readonly id: bigint
  readonly orderId: bigint
  readonly eventId: string
  readonly body: string
  readonly attempts: number
  readonly createdAt: Date
}

/** How long nobody else sends to an endpoint that is taken. */
const LEASE_MS = 45_000

/**
 * Takes endpoints for `lease` that are due at `now`, the longest due first, up to `healthy` of
 * those that work and `failing` of those that do not, each with its next messages. So a long queue
 * takes no more than its turn, and those that fail have places of their own.
 */
export async function claimMessages(
  database: Database,
  o: { now: Date; lease: string; healthy: number; failing: number; messagesEach: number },
): Promise<ClaimedEndpoint[]> {
  return await database.transaction(async (tx) => {
    await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
      'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) as name`.execute(tx)
    const overlapSince = new Date(o.now.getTime() - SECRET_OVERLAP_MS)
    const { rows: endpoints } = await sql<Omit<ClaimedEndpoint, 'messages'>>`
      with healthy as materialized (
        select id from webhook_endpoint
        where look_at <= ${o.now}::timestamptz and failing_since is null
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at limit ${o.healthy} for no key update skip locked
      ), failing as materialized (
        select id from webhook_endpoint
        where look_at <= ${o.now}::timestamptz and failing_since is not null
          and (lease_until is null or lease_until <= clock_timestamp())
        order by look_at limit ${o.failing} for no key update skip locked
      ), due as materialized (select id from healthy union all select id from failing)
      update webhook_endpoint w set
        lease_worker = ${o.lease}::uuid,
        lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
      from due where w.id = due.id
      returning w.id, w.public_id as "publicId", w.lease_worker as lease, w.url,
        array_remove(array[w.secret, case when w.rotated_at > ${overlapSince}::timestamptz
          then w.secret_before end], null) as secrets,
        w.failing_since is not null as "isFailing"`.execute(tx)
    if (endpoints.length === 0) return []
    const { rows: messages } = await sql<DueMessage & { endpointId: bigint }>`
      select m.* from unnest(${endpoints.map((endpoint) => endpoint.id)}::bigint[]) as e (id)
      cross join lateral (
        select m.endpoint_id as "endpointId", m.id, m.order_id as "orderId",
          m.event_id as "eventId", m.body, m.attempts, m.created_at as "createdAt"
        from webhook_message m
        where m.endpoint_id = e.id and m.next_at <= ${o.now}::timestamptz
        order by m.next_at, m.id
        limit ${o.messagesEach}
      ) m`.execute(tx)
    const byEndpoint = Map.groupBy(messages, (message) => message.endpointId)
    return endpoints.map((row) => ({ ...row, messages: byEndpoint.get(row.id) ?? [] }))
  })
}
