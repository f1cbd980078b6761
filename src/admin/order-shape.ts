import { type Static, Type } from 'typebox'
import { parseOrderName } from '../core/orders/order-name.ts'
import { findOrderOrPart, type OrderView } from '../core/orders/order-views.ts'
import { Refusal } from '../core/refusal.ts'
import { OrderFields, showOrderFields } from '../http/rest/order-fields.ts'
import { Count, Id, NullableInstant, nullable } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'

export const OrderShape = Type.Object({
  ...OrderFields,
  account_id: Id,
  provider: Type.String(),
  provider_ref: nullable(Type.String()),
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
    ...showOrderFields(order),
    account_id: String(order.accountId),
    provider: order.provider,
    provider_ref: order.providerRef,
    unconfirmed_at: order.unconfirmedAt?.toISOString() ?? null,
    waiting_since: order.waitingSince?.toISOString() ?? null,
    parent_id: order.parentId === null ? null : String(order.parentId),
    part: order.part,
    in_parts: order.unfolds,
    paused_at: order.pausedAt?.toISOString() ?? null,
  }
}
