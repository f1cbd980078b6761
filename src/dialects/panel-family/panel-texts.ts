import type { OrderState } from '../../core/orders/order.ts'
import type { OrderStatus } from '../../core/orders/order-reader.ts'

/** The five fields that both panels answer for an order, all of them texts. */
export function statusText(
  order: OrderStatus,
  o: { states: Readonly<Record<OrderState, string>>; charge: (micros: bigint) => string },
): string {
  return (
    `{"charge":"${o.charge(order.netChargeMicros)}","start_count":"${order.startCount ?? 0n}",` +
    `"status":"${o.states[order.state]}","remains":"${order.remains}",` +
    `"currency":"${order.currency}"}`
  )
}

/** An id in an answer: a plain number as a number, anything else as the text that was sent. */
export function echoedId(id: string): string {
  return /^(0|[1-9]\d{0,15})$/.test(id) ? id : JSON.stringify(id)
}
