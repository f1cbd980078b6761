import type { Operation, OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { isTerminal } from './order.ts'
import { lockOrders } from './order-store.ts'
import { setPaused } from './parts/part-rows.ts'

interface PauseInput {
  readonly orderId: bigint
}

interface PauseOutput {
  readonly id: string
  readonly paused: boolean
}

/**
 * Begins no further parts of an order until it is resumed; those that were begun go on. What is
 * posted meanwhile waits; a plan that expires ends nevertheless. Pausing again changes nothing.
 * Refuses `order_not_found`, and `invalid_state` where it has ended or is not delivered in parts.
 */
export const pauseOrder: Operation<PauseInput, PauseOutput> = {
  name: 'order.pause',
  permission: 'operator',
  run: (context, input) => change(context, input.orderId, true),
}

/** Goes on with an order that was paused. Refuses as pausing does. */
export const resumeOrder: Operation<PauseInput, PauseOutput> = {
  name: 'order.resume',
  permission: 'operator',
  run: (context, input) => change(context, input.orderId, false),
}

async function change(
  context: OperationContext,
  orderId: bigint,
  paused: boolean,
): Promise<PauseOutput> {
  const order = (await lockOrders(context.tx, { ids: [orderId] })).get(orderId)
  if (order === undefined || order.parentId !== null) throw new Refusal('order_not_found')
  if (!order.unfolds) {
    throw new Refusal('invalid_state', { detail: 'The order is not delivered in parts.' })
  }
  if (isTerminal(order.state)) {
    throw new Refusal('invalid_state', { detail: `The order is ${order.state}.` })
  }
  if ((order.pausedAt !== null) !== paused) {
    await setPaused(context.tx, { wholeId: orderId, paused, now: context.now })
    context.record({
      kind: paused ? 'order.paused' : 'order.resumed',
      subjectId: orderId,
      accountId: order.accountId,
    })
  }
  return { id: String(orderId), paused }
}
