import type { OrderState } from '../order.ts'

/**
 * Orders that operators deliver by hand. They wait in a queue; an operator takes one in hand, says
 * how far it is, and ends it.
 * - An order is in one operator's hand at a time, and he alone says how it goes.
 * - What is in hand is canceled by nobody but an operator: somebody may be at it.
 */
export const MANUAL_PROVIDER = 'manual'

/** How an order of the queue stands. */
export interface ManualStanding {
  readonly orderId: bigint
  readonly state: OrderState
  readonly remains: bigint
  readonly startCount: bigint | null
  readonly isInHand: boolean
}

/** What the driver of the queue has to know of orders. */
export interface ManualQueue {
  standings(orderIds: readonly bigint[]): Promise<readonly ManualStanding[]>
}
