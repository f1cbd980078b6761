import type { Actor } from '../../actor.ts'
import type { Operation, OperationContext } from '../../operation.ts'
import { Refusal } from '../../refusal.ts'
import { isTerminal } from '../order.ts'
import { MANUAL_PROVIDER } from './manual-queue.ts'
import { dropWork, type LockedWork, lockWork, takeWork } from './manual-store.ts'

/**
 * An operator takes an order of the queue in hand; again does nothing. Refuses `order_not_found`,
 * `invalid_state` where it has ended, `resource_locked` while it is just being canceled, and
 * `conflict` where it is in another's hand, unless it is taken over.
 */
export const claimManualOrder: Operation<{ orderId: bigint; takeOver: boolean }, { id: string }> = {
  name: 'manual_order.claim',
  permission: 'operator',
  async run(context, { orderId, takeOver }) {
    const order = await lockOpen(context, orderId)
    const operatorId = operatorOf(context.actor)
    const id = String(order.id)
    if (order.operatorId === operatorId) return { id }
    if (order.operatorId !== null && !takeOver) throw inOtherHands()
    if (order.isBusy) throw new Refusal('resource_locked')
    await takeWork(context.tx, { orderId, operatorId, now: context.now })
    tell(context, order, 'claimed')
    return { id }
  },
}

/**
 * An operator lets go of an order: it waits for another. Refuses `order_not_found`, and `conflict`
 * where it is not in his hand.
 */
export const releaseManualOrder: Operation<{ orderId: bigint }, { id: string }> = {
  name: 'manual_order.release',
  permission: 'operator',
  async run(context, { orderId }) {
    const order = await lockOwn(context, orderId)
    await dropWork(context.tx, orderId)
    tell(context, order, 'released')
    return { id: String(order.id) }
  },
}

/** Locks an order that is in the hand of whoever asks. Refuses as `releaseManualOrder` does. */
export async function lockOwn(context: OperationContext, orderId: bigint): Promise<LockedWork> {
  const order = await lockManual(context, orderId)
  if (order.operatorId === operatorOf(context.actor)) return order
  if (order.operatorId !== null) throw inOtherHands()
  throw new Refusal('conflict', { detail: 'Take the order in hand first.' })
}

async function lockOpen(context: OperationContext, orderId: bigint): Promise<LockedWork> {
  const order = await lockManual(context, orderId)
  if (isTerminal(order.state)) {
    throw new Refusal('invalid_state', { detail: `The order is ${order.state}.` })
  }
  return order
}

async function lockManual({ tx }: OperationContext, orderId: bigint): Promise<LockedWork> {
  const order = await lockWork(tx, orderId)
  if (order === undefined || order.provider !== MANUAL_PROVIDER || order.unfolds) {
    throw new Refusal('order_not_found')
  }
  return order
}

function inOtherHands(): Refusal {
  return new Refusal('conflict', { detail: "The order is in another operator's hand." })
}

function operatorOf(actor: Actor): bigint {
  if (actor.kind !== 'operator') throw new Error('the queue is for operators')
  return actor.operatorId
}

function tell(context: OperationContext, order: LockedWork, word: 'claimed' | 'released'): void {
  const { id: subjectId, accountId } = order
  context.record({ kind: `manual_order.${word}`, subjectId, accountId })
}
