import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { invalidField } from '../refusal.ts'

/** Something that happened, by ids only. */
export interface FeedEvent {
  readonly kind: string
  readonly subjectId: bigint
  readonly accountId: bigint | null
  readonly actorKind: string
  readonly actorId: bigint | null
  readonly data: unknown
  readonly createdAt: Date
  /** Opaque: reading goes on after this event. */
  readonly cursor: string
}

export interface FeedPage {
  readonly events: readonly FeedEvent[]
  readonly hasMore: boolean
  /** Where to go on, also when there is nothing more yet; null where nothing ever happened. */
  readonly next: string | null
}

/** Where an event stands. */
export interface FeedPlace {
  readonly restoreEpoch: number
  readonly txId: string
  readonly id: bigint
}

const BEGINNING: FeedPlace = { restoreEpoch: 0, txId: '0', id: 0n }

interface EventRow {
  restore_epoch: number
  tx_number: string
  id: bigint
  kind: string
  subject_id: bigint
  account_id: bigint | null
  actor_kind: string
  actor_id: bigint | null
  data: unknown
  created_at: Date
}

/**
 * What happened after `after`, oldest first. An event shows once every transaction that began
 * before its own has ended, so that a reader never passes one that commits late. A restore begins
 * a new epoch: transaction numbers start again, and events of earlier epochs are all in.
 * Refuses `invalid_input` for a cursor of an event that this installation does not have.
 */
export async function readEventFeed(
  db: Db,
  o: { after: string | null; limit: number },
): Promise<FeedPage> {
  const after = await placeOf(db, o.after)
  // A column's text must not be named as the column is: `order by` would take the text, and
  // transaction 1000 come before 999.
  const { rows } = await sql<EventRow>`
    select restore_epoch, tx_id::text as tx_number, id, kind, subject_id, account_id, actor_kind,
      actor_id, data, created_at
    from event
    where (restore_epoch, tx_id, id)
        > (${after.restoreEpoch}::integer, ${after.txId}::xid8, ${after.id}::bigint)
      and (restore_epoch < (select restore_epoch from installation)
        or tx_id < pg_snapshot_xmin(pg_current_snapshot()))
    order by restore_epoch, tx_id, id
    limit ${o.limit + 1}`.execute(db)
  const events = rows.slice(0, o.limit).map(toEvent)
  return {
    events,
    hasMore: rows.length > o.limit,
    next: events.at(-1)?.cursor ?? o.after,
  }
}

/** Where a cursor stands; null: before the first event. Refuses as `readEventFeed` does. */
export async function placeOf(db: Db, cursor: string | null): Promise<FeedPlace> {
  if (cursor === null) return BEGINNING
  const place = readCursor(cursor)
  await checkKnown(db, place)
  return place
}

/**
 * A cursor stands on an event. Where that is missing, a backup was restored that does not have it:
 * its reader knows of things that never happened here, and has to be told.
 */
async function checkKnown(db: Db, place: FeedPlace): Promise<void> {
  const { rows } = await sql`
    select from event
    where (restore_epoch, tx_id, id)
      = (${place.restoreEpoch}::integer, ${place.txId}::xid8, ${place.id}::bigint)`.execute(db)
  if (rows.length > 0) return
  throw invalidField(
    '/after',
    'this installation has no such event: it was restored from a backup without it. ' +
      'Compare what you hold, then read again from the beginning, without a cursor',
  )
}

function toEvent(row: EventRow): FeedEvent {
  return {
    kind: row.kind,
    subjectId: row.subject_id,
    accountId: row.account_id,
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    data: row.data,
    createdAt: row.created_at,
    cursor: cursorOf({ restoreEpoch: row.restore_epoch, txId: row.tx_number, id: row.id }),
  }
}

const CURSOR_SHAPE = /^events (\d{1,9}) (\d{1,19}) (\d{1,18})$/

/** Reading goes on behind the event at this place. */
export function cursorOf({ restoreEpoch, txId, id }: FeedPlace): string {
  return Buffer.from(`events ${restoreEpoch} ${txId} ${id}`, 'utf8').toString('base64url')
}

function readCursor(cursor: string): FeedPlace {
  const match = CURSOR_SHAPE.exec(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (!match) throw invalidField('/after', 'must be the nextCursor of this feed')
  return {
    restoreEpoch: Number(match[1]),
    txId: match[2] ?? '0',
    id: BigInt(match[3] ?? '0'),
  }
}
