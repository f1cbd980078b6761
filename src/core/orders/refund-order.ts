import type { Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import { lockOrdersWithWallets, refundLocked } from './order-store.ts'

export interface RefundOrderInput {
  readonly orderId: bigint
  /** In micros; null: all that is left of the charge. */
  readonly amountMicros: bigint | null
  readonly reason: string
}

export interface RefundOrderOutput {
  readonly orderId: string
  readonly refundId: string
  /** What was given back by this, and by all refunds of the order. In micros. */
  readonly amountMicros: string
  readonly refundedMicros: string
}

const REASON_LENGTH_MAX = 500

/**
 * The operator gives back part of an order's charge, or the rest of it, whatever its state, which
 * stays. Refuses `order_not_found`, `invalid_input`, and `refund_exceeds_charge` where that much
 * is not left of the charge, or nothing is.
 */
export const refundOrder: Operation<RefundOrderInput, RefundOrderOutput> = {
  name: 'order.refund',
  permission: 'operator',
  async run(context, input) {
    const reason = checkLine(input.reason, { pointer: '/reason', lengthMax: REASON_LENGTH_MAX })
    if (input.amountMicros !== null && input.amountMicros <= 0n) {
      throw invalidField('/amount', 'amount must be more than 0')
    }
    const orders = await lockOrdersWithWallets(context.tx, { ids: [input.orderId] })
    const order = orders.get(input.orderId)
    if (order === undefined) throw new Refusal('order_not_found')
    const left = order.charge - order.refunded
    const amountMicros = input.amountMicros ?? left
    if (left === 0n || amountMicros > left) throw new Refusal('refund_exceeds_charge')
    const refundId = await refundLocked(context, { order, amountMicros, reason })
    context.record({
      kind: 'order.refunded',
      subjectId: order.id,
      accountId: order.accountId,
      data: { refund: String(refundId), amount_micros: String(amountMicros) },
    })
    return {
      orderId: String(order.id),
      refundId: String(refundId),
      amountMicros: String(amountMicros),
      refundedMicros: String(order.refunded + amountMicros),
    }
  },
}
