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

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** As lists of services of the family say it: "1 hour 12 minutes". */
export function averageTimeText(seconds: number): string {
  const minutes = Math.max(Math.round(seconds / MINUTE), 1)
  if (minutes * MINUTE < DAY) {
    return joined([Math.floor(minutes / 60), 'hour'], [minutes % 60, 'minute'])
  }
  const hours = Math.round(seconds / HOUR)
  return joined([Math.floor(hours / 24), 'day'], [hours % 24, 'hour'])
}

function joined(...counts: readonly (readonly [number, string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
    .join(' ')
}

/** An id in an answer: a plain number as a number, anything else as the text that was sent. */
export function echoedId(id: string): string {
  return /^(0|[1-9]\d{0,15})$/.test(id) ? id : JSON.stringify(id)
}
