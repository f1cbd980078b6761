import { type Selectable, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Notice as NoticeRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Notice } from './notice.ts'

/** Refuses `not_found`. */
export async function readNotice(db: Db, id: bigint): Promise<Notice> {
  const row = await db.selectFrom('notice').selectAll().where('id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toNotice(row)
}

/** Newest first, below the id `before`. */
export async function listNotices(
  db: Db,
  o: {
    before?: bigint | undefined
    open?: boolean | undefined
    kind?: string | undefined
    limit: number
  },
): Promise<Notice[]> {
  let query = db.selectFrom('notice').selectAll().orderBy('id', 'desc').limit(o.limit)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  if (o.kind !== undefined) query = query.where('kind', '=', o.kind)
  if (o.open !== undefined) query = query.where('closed_at', o.open ? 'is' : 'is not', null)
  return (await query.execute()).map(toNotice)
}

/** How many are open, by their kinds. */
export async function countOpenNotices(db: Db): Promise<{ kind: string; count: number }[]> {
  const { rows } = await sql<{ kind: string; count: number }>`
    select kind, count(*)::integer as count from notice
    where closed_at is null group by kind order by kind`.execute(db)
  return rows
}

function toNotice(row: Selectable<NoticeRow>): Notice {
  return {
    id: String(row.id),
    kind: row.kind,
    subject: row.subject,
    accountId: row.account_id === null ? null : String(row.account_id),
    data: row.data,
    times: row.times,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
  }
}
