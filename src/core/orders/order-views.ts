import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { OrderState } from './order.ts'

/** An order as the operator sees it. Money in micros. */
export interface OrderView {
  readonly id: bigint
  readonly accountId: bigint
  readonly serviceId: bigint
  readonly serviceType: string
  readonly state: OrderState
  readonly quantity: bigint
  readonly remains: bigint
  readonly startCount: bigint | null
  readonly link: string
  readonly params: unknown
  readonly currency: string
  readonly listChargeMicros: bigint
  readonly chargeMicros: bigint
  readonly refundedMicros: bigint
  readonly provider: string
  readonly providerRef: string | null
  readonly cancelRequestedAt: Date | null
  /** Since when nobody knows whether its provider has it. */
  readonly unconfirmedAt: Date | null
  /** Since when its provider has not been able to take it. */
  readonly waitingSince: Date | null
  /** The order that this is a part of; null: it is one of its own. */
  readonly parentId: bigint | null
  readonly part: number | null
  /** Whether it is delivered in parts. */
  readonly unfolds: boolean
  readonly pausedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface OrderFilter {
  readonly accountId?: bigint | undefined
  readonly serviceId?: bigint | undefined
  readonly state?: OrderState | undefined
  /** The last id of the page before: pages go from the newest order to the oldest. */
  readonly beforeId?: bigint | undefined
  /** Placed at this instant or later, and before that one. */
  readonly createdFrom?: Date | undefined
  readonly createdBefore?: Date | undefined
  /** How many, at most 1000. */
  readonly limit: number
}

export const ORDERS_AT_ONCE_MAX = 1_000

/** A page of orders without their parts, newest first. */
export async function listOrders(db: Db, filter: OrderFilter): Promise<OrderView[]> {
  let query = select(db)
    .where('o.parent_id', 'is', null)
    .orderBy('o.id', 'desc')
    .limit(Math.min(filter.limit, ORDERS_AT_ONCE_MAX))
  if (filter.accountId !== undefined) query = query.where('o.account_id', '=', filter.accountId)
  if (filter.serviceId !== undefined) query = query.where('o.service_id', '=', filter.serviceId)
  if (filter.state !== undefined) query = query.where('o.state', '=', filter.state)
  if (filter.beforeId !== undefined) query = query.where('o.id', '<', filter.beforeId)
  if (filter.createdFrom !== undefined) {
    query = query.where('o.created_at', '>=', filter.createdFrom)
  }
  if (filter.createdBefore !== undefined) {
    query = query.where('o.created_at', '<', filter.createdBefore)
  }
  return (await query.execute()).map(toView)
}

/** A page of orders, and parts of orders, that wait for an operator's word, newest first. */
export async function listUnconfirmed(
  db: Db,
  o: { beforeId?: bigint | undefined; limit: number },
): Promise<OrderView[]> {
  let query = select(db)
    .where('o.unconfirmed_at', 'is not', null)
    .orderBy('o.id', 'desc')
    .limit(Math.min(o.limit, ORDERS_AT_ONCE_MAX))
  if (o.beforeId !== undefined) query = query.where('o.id', '<', o.beforeId)
  return (await query.execute()).map(toView)
}

/** How many orders, and parts of orders, wait for an operator's word. */
export async function countUnconfirmed(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from service_order
    where unconfirmed_at is not null`.execute(db)
  return rows[0]?.count ?? 0
}

/** One order, whoever's it is, but no part of one. */
export async function findOrder(db: Db, id: bigint): Promise<OrderView | undefined> {
  const order = await findOrderOrPart(db, id)
  return order?.parentId === null ? order : undefined
}

/** An order or a part of one: for operators, as customers see no parts. */
export async function findOrderOrPart(db: Db, id: bigint): Promise<OrderView | undefined> {
  const row = await select(db).where('o.id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : toView(row)
}

/** A page of the parts of an order, the first first. `afterPart`: the last of the page before. */
export async function listParts(
  db: Db,
  o: { orderId: bigint; afterPart: number; limit: number },
): Promise<OrderView[]> {
  const rows = await select(db)
    .where('o.parent_id', '=', o.orderId)
    .where('o.part', '>', o.afterPart)
    .orderBy('o.part')
    .limit(Math.min(o.limit, ORDERS_AT_ONCE_MAX))
    .execute()
  return rows.map(toView)
}

/** Money given back for an order, oldest first. */
export interface RefundView {
  readonly id: bigint
  readonly cause: string
  readonly amountMicros: bigint
  readonly reason: string | null
  readonly createdAt: Date
}

export async function listRefunds(db: Db, orderId: bigint): Promise<RefundView[]> {
  const rows = await db
    .selectFrom('order_refund')
    .select(['id', 'cause', 'amount', 'reason', 'created_at'])
    .where('order_id', '=', orderId)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    cause: row.cause,
    amountMicros: row.amount,
    reason: row.reason,
    createdAt: row.created_at,
  }))
}

function select(db: Db) {
  return db
    .selectFrom('service_order as o')
    .innerJoin('service as s', 's.id', 'o.service_id')
    .select([
      'o.id',
      'o.account_id',
      'o.service_id',
      's.type',
      'o.state',
      'o.quantity',
      'o.remains',
      'o.start_count',
      'o.link',
      'o.params',
      'o.currency',
      'o.list_charge',
      'o.charge',
      'o.refunded',
      'o.provider',
      'o.provider_ref',
      'o.cancel_requested_at',
      'o.unconfirmed_at',
      'o.waiting_since',
      'o.parent_id',
      'o.part',
      'o.unfolds',
      'o.paused_at',
      'o.created_at',
      'o.updated_at',
    ])
}

function toView(row: Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]): OrderView {
  return {
    id: row.id,
    accountId: row.account_id,
    serviceId: row.service_id,
    serviceType: row.type,
    state: row.state as OrderState,
    quantity: row.quantity,
    remains: row.remains,
    startCount: row.start_count,
    link: row.link,
    params: row.params,
    currency: row.currency,
    listChargeMicros: row.list_charge,
    chargeMicros: row.charge,
    refundedMicros: row.refunded,
    provider: row.provider,
    providerRef: row.provider_ref,
    cancelRequestedAt: row.cancel_requested_at,
    unconfirmedAt: row.unconfirmed_at,
    waitingSince: row.waiting_since,
    parentId: row.parent_id,
    part: row.part,
    unfolds: row.unfolds,
    pausedAt: row.paused_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
