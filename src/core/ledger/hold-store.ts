import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'

export interface HoldRow {
  readonly id: bigint
  readonly accountId: bigint
  readonly amountMicros: bigint
  readonly currency: string
}

interface NewHold {
  readonly accountId: bigint
  readonly amountMicros: bigint
  readonly currency: string
  readonly subject: { readonly kind: string; readonly id: bigint }
}

/** Returns their ids, in the order given. */
export async function insertHolds(
  tx: Tx,
  o: { holds: readonly NewHold[]; now: Date },
): Promise<bigint[]> {
  const column = columnOf(o.holds)
  const { rows } = await sql<{ id: bigint }>`
    insert into hold (account_id, amount, currency, subject_kind, subject_id, created_at)
    select i.account_id, i.amount, i.currency, i.subject_kind, i.subject_id, ${o.now}::timestamptz
    from rows from (
      unnest(${column((hold) => hold.accountId)}::bigint[]),
      unnest(${column((hold) => hold.amountMicros)}::bigint[]),
      unnest(${column((hold) => hold.currency)}::text[]),
      unnest(${column((hold) => hold.subject.kind)}::text[]),
      unnest(${column((hold) => hold.subject.id)}::bigint[])
    ) with ordinality as i (account_id, amount, currency, subject_kind, subject_id, at)
    order by i.at
    returning id`.execute(tx)
  return rows.map((row) => row.id)
}

/** What these holds hold, or held, by id. */
export async function findHolds(
  tx: Tx,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, bigint>> {
  const { rows } = await sql<{ id: bigint; amount: bigint }>`
    select id, amount from hold where id = any (${ids}::bigint[])`.execute(tx)
  return new Map(rows.map((row) => [row.id, row.amount]))
}

/** Ends those that are still held, and hold as much; returns them. */
export async function endHoldRows(
  tx: Tx,
  o: {
    ends: readonly { holdId: bigint; amountMicros: bigint; taxMicros: bigint }[]
    now: Date
  },
): Promise<HoldRow[]> {
  const { rows } = await sql<HoldRow>`
    update hold h set
      state = case when i.settled > 0 then 'settled' else 'released' end,
      settled = i.settled, settled_tax = i.tax, ended_at = ${o.now}::timestamptz
    from rows from (
      unnest(${o.ends.map((end) => end.holdId)}::bigint[]),
      unnest(${o.ends.map((end) => end.amountMicros)}::bigint[]),
      unnest(${o.ends.map((end) => end.taxMicros)}::bigint[])
    ) as i (id, settled, tax)
    where h.id = i.id and h.state = 'held' and i.settled <= h.amount
    returning h.id, h.account_id as "accountId", h.amount as "amountMicros", h.currency`.execute(tx)
  return rows
}
