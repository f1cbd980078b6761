/**
 * A provider says of a delivery that has ended that less was delivered than it had said: what is
 * missing is given back once an operator confirms it. The order's state never changes by it.
 * - A delivery has at most one open correction.
 * - What is confirmed is a refund like any other: all refunds of an order are at most its charge.
 */
export const CORRECTION_STATES = ['open', 'confirmed', 'dismissed'] as const
export type CorrectionState = (typeof CORRECTION_STATES)[number]

/** Ids and micros as text. */
export interface Correction {
  readonly id: string
  /** The order that customers see, and which of its parts this is about; null: it has none. */
  readonly orderId: string
  readonly part: number | null
  readonly orderCreatedAt: string
  readonly accountId: string
  readonly reportedState: string
  /** What was not delivered, as its provider says now. */
  readonly remains: string
  readonly currency: string
  /** What that comes to beyond what was decided before. */
  readonly amountMicros: string
  readonly state: CorrectionState
  readonly decidedBy: string | null
  readonly createdAt: string
  readonly decidedAt: string | null
}

/** The kind of the notice that an open correction raises. */
export const CORRECTION_NOTICE = 'order.correction'

/** What that notice is about: a delivery. */
export function correctionSubject(deliveryId: bigint): string {
  return `order ${deliveryId}`
}
