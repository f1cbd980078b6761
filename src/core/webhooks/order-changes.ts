import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { FeedPlace } from '../events/event-feed.ts'
import type { OrderChange } from './webhook.ts'

/** A change of an order's state, and where its event stands in the feed. */
export interface PlacedChange extends OrderChange, FeedPlace {
  readonly createdAt: Date
}

/**
 * What the event says, or for one that does not say it, what the order says now. `e` is the event,
 * `o` the order. The place's number has another name than its column, by which it is sorted.
 */
export const CHANGE_COLUMNS = sql`
  e.restore_epoch as "restoreEpoch", e.tx_id::text as "txId", e.id, e.subject_id as "orderId",
  e.kind, e.created_at as "createdAt",
  coalesce((e.data->>'remains')::bigint, o.remains, 0) as remains,
  case when e.data ? 'start_count' then (e.data->>'start_count')::bigint else o.start_count end
    as "startCount",
  coalesce((e.data->>'net_charge_micros')::bigint, o.charge - o.refunded, 0) as "netChargeMicros"`

/** The events that customers are told of, as the index on them says it. */
export const IS_CHANGE = sql`e.kind in ('order.in_progress', 'order.partial', 'order.completed',
  'order.done', 'order.canceled', 'order.failed')`

/** What no transaction in progress can precede any more. A restore begins a new epoch. */
export const IS_SETTLED = sql`(e.restore_epoch < (select restore_epoch from installation)
  or e.tx_id < pg_snapshot_xmin(pg_current_snapshot()))`

export function isAfter({ restoreEpoch, txId, id }: FeedPlace): RawBuilder<unknown> {
  return sql`(e.restore_epoch, e.tx_id, e.id)
    > (${restoreEpoch}::integer, ${txId}::xid8, ${id}::bigint)`
}

/** The changes of an account's orders after a place, and not before `since`, oldest first. */
export async function readChanges(
  db: Db,
  o: { accountId: bigint; after: FeedPlace; since: Date | null; limit: number },
): Promise<PlacedChange[]> {
  const { rows } = await sql<PlacedChange>`
    select ${CHANGE_COLUMNS}
    from event e left join service_order o on o.id = e.subject_id
    where e.account_id = ${o.accountId} and ${IS_CHANGE} and ${IS_SETTLED} and ${isAfter(o.after)}
      and (${o.since}::timestamptz is null or e.created_at >= ${o.since}::timestamptz)
    order by e.restore_epoch, e.tx_id, e.id
    limit ${o.limit}`.execute(db)
  return rows
}
