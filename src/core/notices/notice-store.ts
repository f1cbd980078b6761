import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { NoticeDraft } from './notice.ts'

/** Opens a notice, or counts up the open one. `opened` says which. */
export async function upsertNotice(
  tx: Tx,
  notice: NoticeDraft,
  now: Date,
): Promise<{ id: bigint; opened: boolean }> {
  const data = notice.data === undefined ? null : JSON.stringify(notice.data)
  const { rows } = await sql<{ id: bigint; opened: boolean }>`
    insert into notice as n (kind, subject, account_id, data, created_at, updated_at)
    values (${notice.kind}, ${notice.subject}, ${notice.accountId ?? null}::bigint,
      ${data}::jsonb, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (kind, subject) where closed_at is null do update set
      times = n.times + 1, data = excluded.data, updated_at = excluded.updated_at
    returning n.id, n.times = 1 as opened`.execute(tx)
  const row = rows[0]
  if (row === undefined) throw new Error('a notice has no row')
  return row
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

/** Closes what is open of a kind about a thing; its id, or undefined where nothing was. */
export async function closeBySubject(
  tx: Tx,
  { kind, subject }: { kind: string; subject: string },
  now: Date,
): Promise<bigint | undefined> {
  const row = await tx
    .updateTable('notice')
    .set({ closed_at: now, updated_at: now })
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .where('closed_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row?.id
}
