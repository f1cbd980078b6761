import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { ServiceType } from '../../catalogue/service-type.ts'
import type { OrderState } from '../order.ts'
import { MANUAL_PROVIDER, type ManualQueue, type ManualStanding } from './manual-queue.ts'

/** An order of the queue, as the operators who deliver it see it. */
export interface ManualOrder {
  readonly id: bigint
  /** The order that this is a part of; null: it is one of its own. */
  readonly parentId: bigint | null
  readonly part: number | null
  readonly accountId: bigint
  readonly serviceId: bigint
  readonly serviceName: string
  readonly type: ServiceType
  readonly state: OrderState
  readonly quantity: bigint
  readonly remains: bigint
  readonly startCount: bigint | null
  readonly link: string
  readonly params: unknown
  readonly createdAt: Date
  readonly operatorId: bigint | null
  readonly claimedAt: Date | null
}

/** The queue, oldest first: orders that have not ended, after the id `afterId`. */
export async function listManualOrders(
  db: Db,
  o: {
    /** Those in this operator's hand, in nobody's, or all. */
    hand: bigint | 'none' | 'any'
    afterId?: bigint | undefined
    limit: number
  },
): Promise<ManualOrder[]> {
  let query = select(db)
    .where('o.provider', '=', MANUAL_PROVIDER)
    .where('o.provider_ref', 'is not', null)
    .where('o.look_at', 'is not', null)
    .where('o.unfolds', '=', false)
    .where('o.id', '>', o.afterId ?? 0n)
    .orderBy('o.id')
    .limit(o.limit)
  if (o.hand === 'none') query = query.where('w.order_id', 'is', null)
  else if (o.hand !== 'any') query = query.where('w.operator_id', '=', o.hand)
  return await query.execute()
}

/** One order of the queue, also where it has ended. */
export async function findManualOrder(db: Db, id: bigint): Promise<ManualOrder | undefined> {
  return await select(db)
    .where('o.provider', '=', MANUAL_PROVIDER)
    .where('o.id', '=', id)
    .executeTakeFirst()
}

function select(db: Db) {
  return db
    .selectFrom('service_order as o')
    .innerJoin('service as s', 's.id', 'o.service_id')
    .leftJoin('manual_work as w', 'w.order_id', 'o.id')
    .select([
      'o.id',
      'o.parent_id as parentId',
      'o.part',
      'o.account_id as accountId',
      'o.service_id as serviceId',
      's.name as serviceName',
      's.type',
      'o.state',
      'o.quantity',
      'o.remains',
      'o.start_count as startCount',
      'o.link',
      'o.params',
      'o.created_at as createdAt',
      'w.operator_id as operatorId',
      'w.claimed_at as claimedAt',
    ])
    .$narrowType<{ type: ServiceType; state: OrderState }>()
}

/** What the driver of the queue asks. */
export function manualQueue(db: Db): ManualQueue {
  return {
    async standings(orderIds) {
      const { rows } = await sql<ManualStanding>`
        select o.id as "orderId", o.state, o.remains, o.start_count as "startCount",
          exists (select from manual_work w where w.order_id = o.id) as "isInHand"
        from service_order o
        where o.id = any (${[...orderIds]}::bigint[]) and o.provider = ${MANUAL_PROVIDER}`.execute(
        db,
      )
      return rows
    },
  }
}
