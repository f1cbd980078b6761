import { scaleDown } from '../../lib/money.ts'

/**
 * An order is one delivery of a service.
 * - It begins pending; partial, completed, done, canceled and failed are terminal: they never
 *   change. Each change of state writes one event, and refunds at most once.
 * - 0 ≤ remains ≤ quantity. Completed has delivered all: remains is 0.
 * - 0 ≤ refunded ≤ charge, whatever is reported, in whatever order and however often.
 * - Partial and canceled refund the undelivered share, rounded down; failed refunds what is left
 *   of the charge; completed and done refund nothing.
 */
export const ORDER_STATES = [
  'pending',
  'in_progress',
  'partial',
  'completed',
  'done',
  'canceled',
  'failed',
] as const
export type OrderState = (typeof ORDER_STATES)[number]

const END_STATES: readonly OrderState[] = ['partial', 'completed', 'done', 'canceled', 'failed']
const NEXT_STATES: Readonly<Record<OrderState, readonly OrderState[]>> = {
  pending: ['in_progress', ...END_STATES],
  in_progress: END_STATES,
  partial: [],
  completed: [],
  done: [],
  canceled: [],
  failed: [],
}

export function isOrderState(text: string): text is OrderState {
  return (ORDER_STATES as readonly string[]).includes(text)
}

export function isTerminal(state: OrderState): boolean {
  return NEXT_STATES[state].length === 0
}

export function mayBecome(from: OrderState, to: OrderState): boolean {
  return NEXT_STATES[from].includes(to)
}

/** What a refund is computed from. Money in micros. */
export interface OrderMoney {
  readonly quantity: bigint
  readonly charge: bigint
  readonly refunded: bigint
}

/**
 * What entering `state` with `remains` undelivered gives back, in micros. The share is rounded
 * down to the millionth, and is never more than what is left of the charge.
 */
export function refundOnEntering(state: OrderState, order: OrderMoney, remains: bigint): bigint {
  const left = order.charge - order.refunded
  switch (state) {
    case 'partial':
    case 'canceled': {
      const share = scaleDown(order.charge, remains, order.quantity)
      if (share > left) return left
      return share
    }
    case 'failed':
      return left
    default:
      return 0n
  }
}

/** An order as a report of its delivery finds it. */
export interface OrderStanding extends OrderMoney {
  readonly state: OrderState
  readonly remains: bigint
  readonly startCount: bigint | null
}

/** What somebody says of a delivery; null where they do not say. */
export interface OrderReport {
  readonly state: OrderState
  readonly remains: bigint | null
  readonly startCount: bigint | null
}

/** What a report makes of an order. `refund` in micros. */
export interface OrderChange {
  readonly state: OrderState
  readonly remains: bigint
  readonly startCount: bigint | null
  readonly refund: bigint
}

/**
 * What `report` changes, or undefined where it changes nothing: the order has ended, or the
 * report is old. While an order runs its remains only fall, so that a late report cannot put
 * them back; the report that ends it has the last word on them.
 */
export function changeBy(order: OrderStanding, report: OrderReport): OrderChange | undefined {
  if (isTerminal(order.state)) return undefined
  const state = mayBecome(order.state, report.state) ? report.state : order.state
  const remains = remainsBy(order, state, report.remains)
  const startCount = report.startCount ?? order.startCount
  if (state === order.state && remains === order.remains && startCount === order.startCount) {
    return undefined
  }
  const refund = state === order.state ? 0n : refundOnEntering(state, order, remains)
  return { state, remains, startCount, refund }
}

function remainsBy(order: OrderStanding, state: OrderState, reported: bigint | null): bigint {
  if (state === 'completed') return 0n
  // The operator ends it as delivered: all of it, unless he says what was not.
  if (state === 'done' && reported === null) return 0n
  if (reported === null) return order.remains
  const remains = reported < 0n ? 0n : reported < order.quantity ? reported : order.quantity
  return isTerminal(state) || remains < order.remains ? remains : order.remains
}
