import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { VerifiedSpan } from './ledger-checkpoint.ts'

/** What a run looks at: everything, or what was written since the checkpoint. */
export interface VerifyScope {
  /** Transfers up to this were looked at before; null: all are looked at. */
  readonly afterTransferId: bigint | null
  /** Orders to be looked at; null: all. */
  readonly orderIds: readonly bigint[] | null
  /** Refills to be looked at; null: all. */
  readonly refillIds: readonly bigint[] | null
  /** Purchases to be looked at; null: all. */
  readonly purchaseIds: readonly bigint[] | null
  /** Subscriptions to be looked at; null: all. */
  readonly subscriptionIds: readonly bigint[] | null
  /** SQL: whether the row `alias` was written since. */
  changed(alias: string): RawBuilder<boolean>
}

/** With more changed rows of a kind than this, looking at all is as quick and bounded in memory. */
const IDS_MAX = 100_000

/** Reads, in the run's snapshot, what is in the scope of this run. */
export async function readScope(db: Db, span: VerifiedSpan): Promise<VerifyScope> {
  const { base } = span
  if (base === null) {
    return {
      afterTransferId: null,
      orderIds: null,
      refillIds: null,
      purchaseIds: null,
      subscriptionIds: null,
      changed: () => sql`true`,
    }
  }
  const since = sql`${String(base.verifiedXid)}::xid8`
  // Every row carries the transaction that wrote it, whatever the code that did so forgot to say.
  const changed = (alias: string) =>
    sql<boolean>`age(${sql.ref(`${alias}.xmin`)}) <= (select age(${since}::xid))`
  const told = (kinds: string) => sql`
    select e.subject_id from event e
    where e.restore_epoch >= ${span.restoreEpoch} and e.tx_id >= ${since}
      and e.kind like ${`${kinds}.%`}`
  const orderIds = await readIds(
    db,
    sql`select o.id from service_order o where ${changed('o')}
      union select r.order_id from order_refund r where ${changed('r')}
      union select c.order_id from correction c where ${changed('c')}
      union ${told('order')} union ${told('order_part')}`,
  )
  return {
    afterTransferId: base.transferId,
    orderIds,
    refillIds:
      orderIds &&
      (await readIds(
        db,
        sql`select n.id from refill r join refill n on n.order_id = r.order_id
            where ${changed('r')}
          union select k.refill_id from refill_work k where ${changed('k')}
          union select r.id from service_order o
            join refill r on r.order_id = coalesce(o.parent_id, o.id)
            where o.id = any (${orderIds}::bigint[])
          union ${told('refill')}`,
      )),
    purchaseIds: await readIds(
      db,
      sql`select p.id from purchase p where ${changed('p')}
        union select l.purchase_id from purchase_line l where ${changed('l')}
        union select i.purchase_id from invoice i where ${changed('i')}
        union select h.subject_id from hold h where h.subject_kind = 'purchase' and ${changed('h')}
        union ${told('purchase')}`,
    ),
    subscriptionIds: await readIds(
      db,
      sql`select s.id from subscription s where ${changed('s')}
        union select r.subscription_id from subscription_period r where ${changed('r')}
        union select l.subscription_id from purchase_line l where ${changed('l')}
        union select l.subscription_id from purchase p
          join purchase_line l on l.purchase_id = p.id where ${changed('p')}
        union ${told('subscription')}`,
    ),
    changed,
  }
}

/** The ids that `query` finds; null where they are too many to be looked at one by one. */
async function readIds(db: Db, query: RawBuilder<unknown>): Promise<readonly bigint[] | null> {
  const { rows } = await sql<{ id: bigint }>`
    select id from (${query}) touched (id) limit ${IDS_MAX + 1}`.execute(db)
  return rows.length > IDS_MAX ? null : rows.map((row) => row.id)
}
