import { type Static, Type } from 'typebox'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { ORDER_STATES } from '../core/orders/order.ts'
import { monthlyName, parseOrderName } from '../core/orders/order-name.ts'
import { findOrderOrPart, type OrderView } from '../core/orders/order-views.ts'
import { Refusal } from '../core/refusal.ts'
import {
  Amount,
  Count,
  Id,
  Instant,
  NullableInstant,
  nullable,
  oneOf,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'

export const OrderShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
  account_id: Id,
  service_id: Id,
  type: oneOf(SERVICE_TYPES),
  state: oneOf(ORDER_STATES),
  quantity: Count,
  remains: Count,
  start_count: nullable(Count),
  link: Type.String(),
  params: nullable(Type.Record(Type.String(), Type.Unknown())),
  currency: Type.String(),
  list_charge: Amount,
  charge: Amount,
  refunded: Amount,
  provider: Type.String(),
  provider_ref: nullable(Type.String()),
  cancel_requested_at: NullableInstant,
  unconfirmed_at: nullable(
    Type.String({
      format: 'date-time',
      description: 'Since when nobody knows whether its provider has it',
    }),
  ),
  waiting_since: nullable(
    Type.String({
      format: 'date-time',
      description: 'Since when its provider has not been able to take it',
    }),
  ),
  parent_id: nullable(
    Type.String({ description: 'The order that this is a part of; null: one of its own' }),
  ),
  part: nullable(Count),
  in_parts: Type.Boolean({ description: 'Whether it is delivered in parts' }),
  paused_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
})

/** An order, or a part of one, by its number or its CR- form. Refuses `order_not_found`. */
export async function findShown(deps: AdminDeps, text: string): Promise<OrderView> {
  const name = parseOrderName(text)
  const order = name && (await findOrderOrPart(deps.funnel.database.db, name.id))
  if (!order || !name.fits(order.createdAt)) throw new Refusal('order_not_found')
  return order
}

/** How operators see an order. */
export function showOrder(order: OrderView): Static<typeof OrderShape> {
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    account_id: String(order.accountId),
    service_id: String(order.serviceId),
    type: order.serviceType as Static<typeof OrderShape>['type'],
    state: order.state,
    quantity: Number(order.quantity),
    remains: Number(order.remains),
    start_count: order.startCount === null ? null : Number(order.startCount),
    link: order.link,
    params: order.params as Record<string, unknown> | null,
    currency: order.currency,
    list_charge: orderAmount(order.listChargeMicros, order.currency),
    charge: orderAmount(order.chargeMicros, order.currency),
    refunded: orderAmount(order.refundedMicros, order.currency),
    provider: order.provider,
    provider_ref: order.providerRef,
    cancel_requested_at: order.cancelRequestedAt?.toISOString() ?? null,
    unconfirmed_at: order.unconfirmedAt?.toISOString() ?? null,
    waiting_since: order.waitingSince?.toISOString() ?? null,
    parent_id: order.parentId === null ? null : String(order.parentId),
    part: order.part,
    in_parts: order.unfolds,
    paused_at: order.pausedAt?.toISOString() ?? null,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  }
}

export function orderAmount(micros: bigint, currency: string): string {
  return formatAmount(micros, currencyDecimals(currency))
}
