import type { Operation } from '../../operation.ts'
import { invalidField } from '../../refusal.ts'
import type { OrderState } from '../order.ts'
import { setOrderStatus } from '../set-order-status.ts'
import { lockOwn } from './hold-manual-order.ts'
import { dropWork } from './manual-store.ts'

export interface ReportManualOrder {
  readonly orderId: bigint
  readonly remains?: bigint | undefined
  readonly startCount?: bigint | undefined
}

/**
 * The operator who has an order in hand says how far it is: from then on it is in progress.
 * Refuses what `setOrderStatus` does, and `conflict` where it is not in his hand.
 */
export const reportManualOrder: Operation<ReportManualOrder, { id: string; state: OrderState }> = {
  name: 'manual_order.report',
  permission: 'operator',
  async run(context, input) {
    const written = await setOrderStatus.run(context, { ...input, state: 'in_progress' })
    // The order is locked by now, so that nobody takes it over; a refusal takes all of it back.
    await lockOwn(context, input.orderId)
    return written
  },
}

export const MANUAL_ENDS = ['completed', 'partial', 'canceled', 'failed'] as const

export interface FinishManualOrder {
  readonly orderId: bigint
  readonly outcome: (typeof MANUAL_ENDS)[number]
  /** What was not delivered; of a partial one it has to be said. */
  readonly remains?: bigint | undefined
  readonly startCount?: bigint | undefined
}

/**
 * The operator who has an order in hand ends it, and what was not delivered is given back. Refuses
 * what `setOrderStatus` does, and `conflict` where it is not in his hand.
 */
export const finishManualOrder: Operation<FinishManualOrder, { id: string; state: OrderState }> = {
  name: 'manual_order.finish',
  permission: 'operator',
  async run(context, { outcome: state, ...input }) {
    if (state === 'partial' && input.remains === undefined) {
      throw invalidField('/remains', 'say what was not delivered', 'missing_required')
    }
    const written = await setOrderStatus.run(context, { ...input, state })
    await lockOwn(context, input.orderId)
    await dropWork(context.tx, input.orderId)
    return written
  },
}
