import { sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Db, Tx } from '../../../db/database.ts'
import type { PartDraft, PartSum } from './unfolding.ts'

/** The parts of a whole, and what else of the outside its unfolding depends on. */
export interface PartStanding {
  readonly sum: PartSum
  readonly timeZone: string
  /** How far the posts of its user have been read; null: not at all. */
  readonly cursor: string | null
  readonly watched: boolean
}

interface StandingRow {
  id: bigint
  made: number
  open: number
  failed: number
  delivered: bigint
  taken: boolean
  last_made_at: Date | null
  start_count: bigint | null
  time_zone: string
  cursor: string | null
  watched: boolean
}

/** How the parts of these wholes stand, by the whole. */
export async function readPartStandings(
  db: Db,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, PartStanding>> {
  const { rows } = await sql<StandingRow>`
    select w.id, p.made, p.open, p.failed, p.delivered, p.taken, p.last_made_at, p.start_count,
      a.time_zone, v.cursor, v.order_id is not null as watched
    from unnest(${ids}::bigint[]) as asked (id)
    join service_order w on w.id = asked.id
    join account a on a.id = w.account_id
    left join post_watch v on v.order_id = w.id
    cross join lateral (
      select count(*)::integer as made,
        count(*) filter (where p.look_at is not null)::integer as open,
        count(*) filter (where p.state = 'failed')::integer as failed,
        coalesce(sum(case p.state when 'failed' then 0 when 'done' then p.quantity
          else p.quantity - p.remains end), 0)::bigint as delivered,
        coalesce(bool_or(p.provider_ref is not null), false) as taken,
        max(p.created_at) as last_made_at,
        max(p.start_count) filter (where p.part = 1) as start_count
      from service_order p
      where p.parent_id = w.id and p.parent_id is not null
    ) p`.execute(db)
  return new Map(rows.map((row) => [row.id, toStanding(row)]))
}

function toStanding(row: StandingRow): PartStanding {
  const { made, open, failed, delivered, taken } = row
  return {
    sum: {
      made,
      open,
      failed,
      delivered,
      taken,
      startCount: row.start_count,
      lastMadeAt: row.last_made_at,
    },
    timeZone: row.time_zone,
    cursor: row.cursor,
    watched: row.watched,
  }
}

/** Adds parts to a locked whole, under these ids. What they cost was paid with the whole. */
export async function insertParts(
  tx: Tx,
  o: { wholeId: bigint; ids: readonly bigint[]; parts: readonly PartDraft[]; now: Date },
): Promise<void> {
  if (o.parts.length === 0) return
  const column = columnOf(o.parts)
  const params = (part: PartDraft) => (part.params === null ? null : JSON.stringify(part.params))
  await sql`
    insert into service_order (id, account_id, api_key_id, service_id, quantity, link, params,
      currency, list_charge, charge, remains, provider, look_at, parent_id, part, post_ref,
      created_at, updated_at)
    select i.id, w.account_id, w.api_key_id, w.service_id, i.quantity, i.link, i.params,
      w.currency, 0, 0, i.quantity, w.provider, i.look_at, w.id, i.part, i.post_ref,
      ${o.now}::timestamptz, ${o.now}::timestamptz
    from rows from (
      unnest(${column((_part, at) => o.ids[at]!)}::bigint[]),
      unnest(${column((part) => part.part)}::integer[]),
      unnest(${column((part) => part.quantity)}::bigint[]),
      unnest(${column((part) => part.link)}::text[]),
      unnest(${column(params)}::jsonb[]),
      unnest(${column((part) => part.postRef)}::text[]),
      unnest(${column((part) => part.lookAt)}::timestamptz[])
    ) as i (id, part, quantity, link, params, post_ref, look_at)
    join service_order w on w.id = ${o.wholeId}::bigint`.execute(tx)
}

/** For which of these posts a locked whole has a part already. */
export async function readPartRefs(
  tx: Tx,
  o: { wholeId: bigint; postRefs: readonly string[] },
): Promise<ReadonlySet<string>> {
  if (o.postRefs.length === 0) return new Set()
  const { rows } = await sql<{ post_ref: string }>`
    select p.post_ref from service_order p
    where p.parent_id = ${o.wholeId} and p.post_ref is not null
      and p.post_ref = any (${[...o.postRefs]}::text[])`.execute(tx)
  return new Set(rows.map((row) => row.post_ref))
}

/** Remembers how far the posts that a locked whole follows have been read. */
export async function writePostWatch(
  tx: Tx,
  o: { wholeId: bigint; cursor: string | null; seen: number; now: Date },
): Promise<void> {
  await tx
    .insertInto('post_watch')
    .values({ order_id: o.wholeId, cursor: o.cursor, seen: o.seen, updated_at: o.now })
    .onConflict((conflict) =>
      conflict.column('order_id').doUpdateSet((row) => ({
        cursor: o.cursor,
        seen: sql<number>`${row.ref('post_watch.seen')} + ${o.seen}`,
        updated_at: o.now,
      })),
    )
    .execute()
}

/** The parts of these wholes that have not ended. */
export async function readOpenParts(db: Db, wholeIds: readonly bigint[]): Promise<bigint[]> {
  if (wholeIds.length === 0) return []
  const { rows } = await sql<{ id: bigint }>`
    select p.id from service_order p
    where p.parent_id = any (${wholeIds}::bigint[]) and p.parent_id is not null
      and p.look_at is not null`.execute(db)
  return rows.map((row) => row.id)
}

/**
 * Which of these wholes have ended. To be asked once their parts are locked: whoever ends a whole
 * locks its parts after it, and sees what was written of them.
 */
export async function readEndedWholes(
  db: Db,
  wholeIds: readonly bigint[],
): Promise<ReadonlySet<bigint>> {
  if (wholeIds.length === 0) return new Set()
  const { rows } = await sql<{ id: bigint }>`
    select w.id from service_order w
    where w.id = any (${wholeIds}::bigint[]) and w.look_at is null`.execute(db)
  return new Set(rows.map((row) => row.id))
}

/** Stops or goes on making parts of a locked whole; whoever unfolds it looks at once. */
export async function setPaused(
  tx: Tx,
  o: { wholeId: bigint; paused: boolean; now: Date },
): Promise<void> {
  await tx
    .updateTable('service_order')
    .set({ paused_at: o.paused ? o.now : null, look_at: o.now, updated_at: o.now })
    .where('id', '=', o.wholeId)
    .execute()
}
