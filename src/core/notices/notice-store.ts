import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import type { NoticeDraft } from './notice.ts'

/** Opens notices, or counts up the open ones. Answers those that opened. */
export async function upsertNotices(
  tx: Tx,
  drafts: readonly NoticeDraft[],
  now: Date,
): Promise<{ id: bigint; kind: string; subject: string; accountId: bigint | null }[]> {
  const column = columnOf(drafts)
  const data = (draft: NoticeDraft) =>
    draft.data === undefined ? null : JSON.stringify(draft.data)
  const { rows } = await sql<{
    id: bigint
    kind: string
    subject: string
    accountId: bigint | null
    times: number
  }>`
    insert into notice as n (kind, subject, account_id, data, created_at, updated_at)
    select i.kind, i.subject, i.account_id, i.data::jsonb, ${now}::timestamptz, ${now}::timestamptz
    from rows from (
      unnest(${column((draft) => draft.kind)}::text[]),
      unnest(${column((draft) => draft.subject)}::text[]),
      unnest(${column((draft) => draft.accountId ?? null)}::bigint[]),
      unnest(${column(data)}::text[])
    ) as i (kind, subject, account_id, data)
    order by i.kind, i.subject
    on conflict (kind, subject) where closed_at is null do update set
      times = n.times + 1, data = excluded.data, updated_at = excluded.updated_at
    returning n.id, n.kind, n.subject, n.account_id as "accountId", n.times`.execute(tx)
  return rows.filter((row) => row.times === 1)
}

/** Closes what is open under an id; its id, or undefined where nothing was. */
export async function closeById(tx: Tx, id: bigint, now: Date): Promise<bigint | undefined> {
  const row = await tx
    .updateTable('notice')
    .set({ closed_at: now, updated_at: now })
    .where('id', '=', id)
    .where('closed_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

/** Closes what is open of a kind about any of these things. Answers the ids that were. */
export async function closeBySubject(
  tx: Tx,
  { kind, subjects }: { kind: string; subjects: readonly string[] },
  now: Date,
): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    update notice n set closed_at = ${now}::timestamptz, updated_at = ${now}::timestamptz
    from (
      select id from notice
      where kind = ${kind} and subject = any (${subjects}::text[]) and closed_at is null
      order by id for no key update
    ) open
    where n.id = open.id
    returning n.id`.execute(tx)
  return rows.map((row) => row.id)
}
