import { sql, type Updateable } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { Upstream as UpstreamRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { Upstream } from './upstream.ts'
import { readUpstream } from './upstream-views.ts'

/** What operators decide of an upstream, as it is kept. */
export type TermsColumns = Pick<
  Updateable<UpstreamRow>,
  | 'url'
  | 'currency'
  | 'is_idempotent'
  | 'in_flight_max'
  | 'balance_alert'
  | 'when_failing'
  | 'refund_after_minutes'
  | 'margin_ppm'
  | 'margin_fixed'
  | 'round_to'
>

/** Refuses `conflict` by name. It is looked at at once. */
export async function insertUpstream(
  tx: Tx,
  row: TermsColumns & { url: string; name: string; api_key: string },
  now: Date,
): Promise<bigint> {
  return await unlessTaken('upstream_name_key', 'There is an upstream of this name.', async () => {
    const { id } = await tx
      .insertInto('upstream')
      .values({ ...row, look_at: now, created_at: now, updated_at: now })
      .returning('id')
      .executeTakeFirstOrThrow()
    return id
  })
}

/** The upstream, locked until the transaction ends. Refuses `not_found`. */
export async function lockUpstream(tx: Tx, id: bigint): Promise<Upstream> {
  await tx.selectFrom('upstream').select('id').where('id', '=', id).forNoKeyUpdate().execute()
  return await readUpstream(tx, id)
}

export async function updateUpstreamRow(
  tx: Tx,
  id: bigint,
  changes: Updateable<UpstreamRow>,
): Promise<void> {
  await tx.updateTable('upstream').set(changes).where('id', '=', id).execute()
}

/** Refuses `not_found` for the category. */
export async function upsertMargin(
  tx: Tx,
  margin: { upstreamId: bigint; categoryId: bigint; marginPpm: number; fixedMicros: bigint },
): Promise<void> {
  const { rows } = await sql`
    insert into upstream_margin (upstream_id, category_id, margin_ppm, margin_fixed)
    select ${margin.upstreamId}, c.id, ${margin.marginPpm}, ${margin.fixedMicros}
    from service_category c where c.id = ${margin.categoryId}
    on conflict (upstream_id, category_id) do update set
      margin_ppm = excluded.margin_ppm, margin_fixed = excluded.margin_fixed
    returning 1`.execute(tx)
  if (rows.length === 0) throw new Refusal('not_found')
}

/** Refuses `not_found`. */
export async function deleteMargin(
  tx: Tx,
  { upstreamId, categoryId }: { upstreamId: bigint; categoryId: bigint },
): Promise<void> {
  const { numDeletedRows } = await tx
    .deleteFrom('upstream_margin')
    .where('upstream_id', '=', upstreamId)
    .where('category_id', '=', categoryId)
    .executeTakeFirst()
  if (numDeletedRows === 0n) throw new Refusal('not_found')
}
