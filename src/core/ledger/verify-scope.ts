import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { VerifiedSpan } from './ledger-checkpoint.ts'

/** What a run looks at: everything, or what was written since the checkpoint. */
export interface VerifyScope {
  /** Transfers up to this were looked at before; null: all are looked at. */
  readonly afterTransferId: bigint | null
  /** Orders to be looked at; null: all. */
  readonly orderIds: readonly bigint[] | null
  /** SQL: whether the row `alias` was written since. */
  changed(alias: string): RawBuilder<boolean>
}

/** With more changed orders than this, looking at all is as quick and bounded in memory. */
const ORDER_IDS_MAX = 100_000

/** Reads, in the run's snapshot, what is in the scope of this run. */
export async function readScope(db: Db, span: VerifiedSpan): Promise<VerifyScope> {
  const { base } = span
  if (base === null) {
    return { afterTransferId: null, orderIds: null, changed: () => sql`true` }
  }
  const since = sql`${String(base.verifiedXid)}::xid8`
  // Every row carries the transaction that wrote it, whatever the code that did so forgot to say.
  const changed = (alias: string) =>
    sql<boolean>`age(${sql.ref(`${alias}.xmin`)}) <= (select age(${since}::xid))`
  const { rows } = await sql<{ id: bigint }>`
    select id from (
      select o.id from service_order o where ${changed('o')}
      union
      select r.order_id from order_refund r where ${changed('r')}
      union
      select e.subject_id from event e
      where e.restore_epoch >= ${span.restoreEpoch} and e.tx_id >= ${since}
        and e.kind like 'order.%'
    ) touched
    limit ${ORDER_IDS_MAX + 1}`.execute(db)
  return {
    afterTransferId: base.transferId,
    orderIds: rows.length > ORDER_IDS_MAX ? null : rows.map((row) => row.id),
    changed,
  }
}
