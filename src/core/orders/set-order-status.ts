import { settleNotices } from '../notices/raise-notice.ts'
import type { Operation, OperationContext } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import {
  changeBy,
  isTerminal,
  mayBecome,
  type OrderChange,
  type OrderState,
  refundOnEntering,
} from './order.ts'
import {
  lockOrders,
  lockOrdersWithWallets,
  orderEvent,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'
import { readOpenParts } from './parts/part-rows.ts'
import { unconfirmedNotice } from './unconfirmed-notice.ts'

export interface SetOrderStatusInput {
  readonly orderId: bigint
  /** Left out: the state stays. */
  readonly state?: OrderState | undefined
  /** Left out: they stay, but for a completed order, which has none. */
  readonly remains?: bigint | undefined
  readonly startCount?: bigint | undefined
}

/**
 * The operator says where an order stands. A change of state gives back what it gives back by
 * any other way: partial and canceled the undelivered share, failed everything, done nothing.
 * Where an order in parts ends so, its parts that no provider has are canceled with it; those
 * that one has run to their end and change nothing of it.
 *
 * Refuses `order_not_found`, `invalid_input`, and `invalid_state` where the order has ended or
 * cannot become that.
 */
export const setOrderStatus: Operation<SetOrderStatusInput, { id: string; state: OrderState }> = {
  name: 'order.set_status',
  permission: 'operator',
  async run(context, input) {
    const orders = await lockOrdersWithWallets(context.tx, { ids: [input.orderId] })
    const order = orders.get(input.orderId)
    if (order === undefined) throw new Refusal('order_not_found')
    const change = changeAsked(order, input)
    await writeOrders(context, [{ order, change }])
    if (order.unfolds && isTerminal(change.state)) await cancelUntaken(context, order)
    if (order.unconfirmedAt !== null && isTerminal(change.state)) {
      await settleNotices(context, unconfirmedNotice([order.id]))
    }
    if (change.state === order.state) {
      const data = {
        remains: String(change.remains),
        start_count: change.startCount === null ? null : String(change.startCount),
      }
      context.record(orderEvent(order, 'adjusted', data))
    }
    return { id: String(order.id), state: change.state }
  },
}

async function cancelUntaken(context: OperationContext, whole: StoredOrder): Promise<void> {
  const parts = await lockOrders(context.tx, { ids: await readOpenParts(context.tx, [whole.id]) })
  const untaken = [...parts.values()].filter(
    // Whoever has one in hand has not asked for it yet, and finds that it has ended.
    (part) => part.submitAskedAt === null && part.providerRef === null,
  )
  const report = { state: 'canceled', remains: null, startCount: null } as const
  await writeOrders(
    context,
    untaken.map((order) => ({ order, change: changeBy(order, report) })),
  )
}

function changeAsked(order: StoredOrder, input: SetOrderStatusInput): OrderChange {
  const state = input.state ?? order.state
  if (isTerminal(order.state) || (state !== order.state && !mayBecome(order.state, state))) {
    throw new Refusal('invalid_state', {
      detail: `An order that is ${order.state} cannot become ${state}.`,
    })
  }
  const remains = input.remains ?? (state === 'completed' ? 0n : order.remains)
  if (remains < 0n || remains > order.quantity) {
    throw invalidField('/remains', `remains must be between 0 and ${order.quantity}`)
  }
  if (state === 'completed' && remains !== 0n) {
    throw invalidField('/remains', 'a completed order has nothing left: use partial or done')
  }
  const startCount = input.startCount ?? order.startCount
  if (startCount !== null && startCount < 0n) {
    throw invalidField('/start_count', 'start_count must not be negative')
  }
  const refund = state === order.state ? 0n : refundOnEntering(state, order, remains)
  return { state, remains, startCount, refund }
}
