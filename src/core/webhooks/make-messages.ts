import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { FeedPlace } from '../events/event-feed.ts'
import type { Operation } from '../operation.ts'
import {
  CHANGE_COLUMNS,
  IS_CHANGE,
  IS_SETTLED,
  isAfter,
  type PlacedChange,
} from './order-changes.ts'
import { changeBody, eventName } from './webhook.ts'
import { insertMessages, lockActive } from './webhook-store.ts'

/**
 * Makes messages of what happened since the last time, up to `limit` events, for the endpoints that
 * there were then. One process does it at a time; an event is passed once, in the commit that makes
 * its messages. Answers how many events were passed, and messages made.
 */
export const makeMessages: Operation<{ limit: number }, { passed: number; made: number }> = {
  name: 'webhook.make_messages',
  permission: 'system',
  async run(context, { limit }) {
    const { tx } = context
    await lookUpByIndex(tx)
    // Mostly there is nothing new: then nothing is locked either, and nothing has to be committed.
    if (!(await readEnd(tx, await readCursor(tx), 1))) return { passed: 0, made: 0 }
    const after = await lockCursor(tx)
    const end = after && (await readEnd(tx, after, limit))
    if (!after || !end) return { passed: 0, made: 0 }
    const changes = await readTold(tx, after, end)
    const active = await lockActive(tx, [...new Set(changes.map((change) => change.endpointId))])
    const drafts = changes
      .filter((change) => active.has(change.endpointId))
      .map((change) => ({
        endpointId: change.endpointId,
        accountId: change.accountId,
        orderId: change.orderId,
        eventId: eventName(change),
        body: changeBody(change),
      }))
    await insertMessages(context, drafts, false)
    await moveCursor(tx, end)
    return { passed: end.passed, made: drafts.length }
  },
}

/** Whatever the statistics say of tables that were small a moment ago. */
async function lookUpByIndex(tx: Tx): Promise<void> {
  await sql`select set_config(name, 'off', true) from unnest(array['enable_seqscan',
    'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) as name`.execute(tx)
}

const CURSOR = sql`
  select restore_epoch as "restoreEpoch", tx_id::text as "txId", event_id as id
  from webhook_cursor`

async function readCursor(tx: Tx): Promise<FeedPlace> {
  const { rows } = await sql<FeedPlace>`${CURSOR}`.execute(tx)
  if (rows[0] === undefined) throw new Error('the cursor of webhooks has no row')
  return rows[0]
}

/** Where reading goes on; undefined where another process is at it. */
async function lockCursor(tx: Tx): Promise<FeedPlace | undefined> {
  const { rows } = await sql<FeedPlace>`${CURSOR} for update skip locked`.execute(tx)
  return rows[0]
}

/** The last of the next `limit` events, and how many they are; undefined where there is none. */
async function readEnd(
  tx: Tx,
  after: FeedPlace,
  limit: number,
): Promise<(FeedPlace & { readonly passed: number }) | undefined> {
  const { rows } = await sql<FeedPlace & { passed: number }>`
    select n.restore_epoch as "restoreEpoch", n.tx_id::text as "txId", n.id,
      n.at::integer as passed
    from (
      select e.restore_epoch, e.tx_id, e.id,
        row_number() over (order by e.restore_epoch, e.tx_id, e.id) as at
      from event e
      where ${isAfter(after)} and ${IS_SETTLED}
      order by e.restore_epoch, e.tx_id, e.id
      limit ${limit}
    ) n
    order by n.at desc
    limit 1`.execute(tx)
  return rows[0]
}

interface ToldChange extends PlacedChange {
  readonly endpointId: bigint
  readonly accountId: bigint
}

/**
 * Changes behind `after` up to `end`, once for each endpoint that is to be told, those of an order
 * in their order. Transactions are numbered when they begin to write: an order's end may stand in
 * the feed before what it ended from. Such a beginning goes first; where the end was told already,
 * it is not told any more.
 */
async function readTold(tx: Tx, after: FeedPlace, end: FeedPlace): Promise<ToldChange[]> {
  const { rows } = await sql<ToldChange>`
    select ${CHANGE_COLUMNS}, w.id as "endpointId", e.account_id as "accountId"
    from event e
    join webhook_endpoint w on w.account_id = e.account_id and w.state = 'active'
      and w.created_at <= e.created_at
    left join service_order o on o.id = e.subject_id
    where ${isAfter(after)}
      and (e.restore_epoch, e.tx_id, e.id)
        <= (${end.restoreEpoch}::integer, ${end.txId}::xid8, ${end.id}::bigint)
      and ${IS_CHANGE}
      and not (e.kind = 'order.in_progress' and exists (
        select from event t
        where t.subject_id = e.subject_id and t.data->>'from' = 'in_progress'
          and t.kind like 'order.%' and (t.restore_epoch, t.tx_id, t.id)
            <= (${after.restoreEpoch}::integer, ${after.txId}::xid8, ${after.id}::bigint)))
    order by (e.kind <> 'order.in_progress'), e.restore_epoch, e.tx_id, e.id`.execute(tx)
  return rows
}

async function moveCursor(tx: Tx, { restoreEpoch, txId, id }: FeedPlace): Promise<void> {
  await tx
    .updateTable('webhook_cursor')
    .set({ restore_epoch: restoreEpoch, tx_id: txId, event_id: id })
    .execute()
}
