import { sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Tx } from '../../../db/database.ts'
import type { OperationContext } from '../../operation.ts'

/** A delivery that has ended, and the order that paid for it: itself, or the whole of the part. */
export interface Delivery {
  readonly id: bigint
  readonly quantity: bigint
  /** What is known to be undelivered: as it ended, or as was decided since. */
  readonly knownRemains: bigint
  readonly wholeId: bigint
  readonly accountId: bigint
  /** Money in micros. */
  readonly wholeCharge: bigint
  readonly wholeRefunded: bigint
  readonly wholeQuantity: bigint
}

/**
 * Deliveries that have ended, by id, as they stand. Their open corrections are locked first, so
 * that what is just being decided of one counts as known.
 */
export async function readDeliveries(
  tx: Tx,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, Delivery>> {
  if (ids.length === 0) return new Map()
  await sql`
    select from correction where order_id = any (${ids}::bigint[]) and state = 'open'
    order by order_id for update`.execute(tx)
  const { rows } = await sql<Delivery>`
    select o.id, o.quantity, w.id as "wholeId", w.account_id as "accountId",
      greatest(o.remains, (
        select max(c.remains) from correction c where c.order_id = o.id and c.state <> 'open'
      )) as "knownRemains",
      w.charge as "wholeCharge", w.refunded as "wholeRefunded", w.quantity as "wholeQuantity"
    from service_order o
    join service_order w on w.id = coalesce(o.parent_id, o.id)
    where o.id = any (${ids}::bigint[]) and o.state not in ('pending', 'in_progress')`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

export interface CorrectionDraft {
  readonly delivery: Delivery
  readonly state: string
  readonly remains: bigint
  readonly amountMicros: bigint
}

/** Opens corrections, or puts the last word into those that are open. Answers what it changed. */
export async function upsertCorrections(
  { tx, now }: OperationContext,
  drafts: readonly CorrectionDraft[],
): Promise<readonly (CorrectionDraft & { readonly id: bigint })[]> {
  if (drafts.length === 0) return []
  const column = columnOf(drafts)
  const { rows } = await sql<{ id: bigint; order_id: bigint }>`
    insert into correction as c (order_id, account_id, reported_state, remains, amount, created_at)
    select i.order_id, i.account_id, i.state, i.remains, i.amount, ${now}::timestamptz
    from rows from (
      unnest(${column((draft) => draft.delivery.id)}::bigint[]),
      unnest(${column((draft) => draft.delivery.accountId)}::bigint[]),
      unnest(${column((draft) => draft.state)}::text[]),
      unnest(${column((draft) => draft.remains)}::bigint[]),
      unnest(${column((draft) => draft.amountMicros)}::bigint[])
    ) as i (order_id, account_id, state, remains, amount)
    order by i.order_id
    on conflict (order_id) where state = 'open' do update set
      reported_state = excluded.reported_state, remains = excluded.remains,
      amount = excluded.amount
      where (c.reported_state, c.remains, c.amount)
        is distinct from (excluded.reported_state, excluded.remains, excluded.amount)
    returning c.id, c.order_id`.execute(tx)
  const idByOrder = new Map(rows.map((row) => [row.order_id, row.id]))
  return drafts.flatMap((draft) => {
    const id = idByOrder.get(draft.delivery.id)
    return id === undefined ? [] : [{ ...draft, id }]
  })
}

/** Decides an open correction; false where it is not open, or not as it was `seen`. */
export async function decideCorrection(
  tx: Tx,
  o: {
    id: bigint
    state: 'confirmed' | 'dismissed'
    seen: { remains: bigint; amountMicros: bigint }
    decidedBy: bigint | null
    now: Date
  },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('correction')
    .set({ state: o.state, decided_by: o.decidedBy, decided_at: o.now })
    .where('id', '=', o.id)
    .where('state', '=', 'open')
    .where('remains', '=', o.seen.remains)
    .where('amount', '=', o.seen.amountMicros)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}
