import type { Db } from '../../../db/database.ts'
import { Refusal } from '../../refusal.ts'
import type { Correction, CorrectionState } from './correction.ts'

/** One correction. Refuses `not_found`. */
export async function readCorrection(db: Db, id: bigint): Promise<Correction> {
  const row = await select(db).where('c.id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return toCorrection(row)
}

/** Which delivery a correction is about, and which order paid for it. Refuses `not_found`. */
export async function readCorrected(
  db: Db,
  id: bigint,
): Promise<{ deliveryId: bigint; wholeId: bigint; accountId: bigint }> {
  const row = await select(db).where('c.id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  const { order_id: deliveryId, whole_id: wholeId, account_id: accountId } = row
  return { deliveryId, wholeId, accountId }
}

/** Newest first, below the id `beforeId`. */
export async function listCorrections(
  db: Db,
  o: {
    accountId?: bigint | undefined
    state?: CorrectionState | undefined
    beforeId?: bigint | undefined
    limit: number
  },
): Promise<Correction[]> {
  let query = select(db).orderBy('c.id', 'desc').limit(o.limit)
  if (o.accountId !== undefined) query = query.where('c.account_id', '=', o.accountId)
  if (o.state !== undefined) query = query.where('c.state', '=', o.state)
  if (o.beforeId !== undefined) query = query.where('c.id', '<', o.beforeId)
  return (await query.execute()).map(toCorrection)
}

function select(db: Db) {
  return db
    .selectFrom('correction as c')
    .innerJoin('service_order as o', 'o.id', 'c.order_id')
    .innerJoin('service_order as w', (join) =>
      join.on(({ eb, fn, ref }) => eb('w.id', '=', fn.coalesce(ref('o.parent_id'), ref('o.id')))),
    )
    .select([
      'c.id',
      'c.order_id',
      'w.id as whole_id',
      'o.part',
      'w.created_at as order_created_at',
      'c.account_id',
      'c.reported_state',
      'c.remains',
      'w.currency',
      'c.amount',
      'c.state',
      'c.decided_by',
      'c.created_at',
      'c.decided_at',
    ])
}

function toCorrection(
  row: Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number],
): Correction {
  return {
    id: String(row.id),
    orderId: String(row.whole_id),
    part: row.part,
    orderCreatedAt: row.order_created_at.toISOString(),
    accountId: String(row.account_id),
    reportedState: row.reported_state,
    remains: String(row.remains),
    currency: row.currency,
    amountMicros: String(row.amount),
    state: row.state as CorrectionState,
    decidedBy: row.decided_by === null ? null : String(row.decided_by),
    createdAt: row.created_at.toISOString(),
    decidedAt: row.decided_at?.toISOString() ?? null,
  }
}
