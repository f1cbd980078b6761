import { type Static, Type } from 'typebox'
import { SERVICE_TYPES } from '../../core/catalogue/service-type.ts'
import { ORDER_STATES } from '../../core/orders/order.ts'
import { monthlyName } from '../../core/orders/order-name.ts'
import type { OrderView } from '../../core/orders/order-views.ts'
import { currencyDecimals, formatAmount } from '../../lib/money.ts'
import { Amount, Count, Id, Instant, NullableInstant, nullable, oneOf } from './shapes.ts'

/** What customers and operators alike see of an order. */
export const OrderFields = {
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
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
  cancel_requested_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
}
/** As customers see it. */
export const OrderShape = Type.Object(OrderFields)
type Shown = Static<typeof OrderShape>

export function showOrderFields(order: OrderView): Shown {
  const amount = (micros: bigint) => orderAmount(micros, order.currency)
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    service_id: String(order.serviceId),
    type: order.serviceType as Shown['type'],
    state: order.state,
    quantity: Number(order.quantity),
    remains: Number(order.remains),
    start_count: order.startCount === null ? null : Number(order.startCount),
    link: order.link,
    params: order.params as Shown['params'],
    currency: order.currency,
    list_charge: amount(order.listChargeMicros),
    charge: amount(order.chargeMicros),
    refunded: amount(order.refundedMicros),
    cancel_requested_at: order.cancelRequestedAt?.toISOString() ?? null,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  }
}

export function orderAmount(micros: bigint, currency: string): string {
  return formatAmount(micros, currencyDecimals(currency))
}
