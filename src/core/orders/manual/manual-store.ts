import { sql } from 'kysely'
import type { Tx } from '../../../db/database.ts'
import type { OrderState } from '../order.ts'

/** An order, locked: whoever takes it in hand, lets go of it or ends it waits for the others. */
export interface LockedWork {
  readonly id: bigint
  readonly accountId: bigint
  readonly provider: string
  readonly state: OrderState
  readonly unfolds: boolean
  /** Whether it is just being canceled, or not in the queue yet. */
  readonly isBusy: boolean
  /** In whose hand it is. */
  readonly operatorId: bigint | null
}

export async function lockWork(tx: Tx, orderId: bigint): Promise<LockedWork | undefined> {
  const { rows } = await sql<Omit<LockedWork, 'operatorId'>>`
    select o.id, o.account_id as "accountId", o.provider, o.state, o.unfolds,
      o.provider_ref is null or coalesce(o.lease_until > clock_timestamp(), false) as "isBusy"
    from service_order o where o.id = ${orderId}
    for no key update of o`.execute(tx)
  const order = rows[0]
  if (order === undefined) return undefined
  // By a statement of its own, which sees what was written while the lock was waited for.
  const work = await tx
    .selectFrom('manual_work')
    .select('operator_id')
    .where('order_id', '=', orderId)
    .executeTakeFirst()
  return { ...order, operatorId: work?.operator_id ?? null }
}

export async function takeWork(
  tx: Tx,
  o: { orderId: bigint; operatorId: bigint; now: Date },
): Promise<void> {
  await tx
    .insertInto('manual_work')
    .values({ order_id: o.orderId, operator_id: o.operatorId, claimed_at: o.now })
    .onConflict((conflict) =>
      conflict.column('order_id').doUpdateSet({ operator_id: o.operatorId, claimed_at: o.now }),
    )
    .execute()
}

export async function dropWork(tx: Tx, orderId: bigint): Promise<void> {
  await tx.deleteFrom('manual_work').where('order_id', '=', orderId).execute()
}
