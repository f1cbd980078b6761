import { settleNotices } from '../notices/raise-notice.ts'
import type { Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import type { DeliveryDrivers } from './delivery-driver.ts'
import { changeBy, type OrderState } from './order.ts'
import {
  findTakenRefs,
  lockOrdersWithWallets,
  type OrderWrite,
  orderEvent,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'
import { readEndedWholes } from './parts/part-rows.ts'
import { unconfirmedNotice } from './unconfirmed-notice.ts'

/** What the operator found out about an order of which nobody knew whether its provider has it. */
export type Resolution =
  /** The provider has it, under this number. */
  | { readonly kind: 'found'; readonly providerRef: string }
  /** It never arrived: it is handed over again. */
  | { readonly kind: 'resend' }
  /** Whatever there is of it is given up, and its charge given back. */
  | { readonly kind: 'refund' }

export interface ResolveUnconfirmedInput {
  readonly orderId: bigint
  readonly resolution: Resolution
}

const REF_LENGTH_MAX = 200

/**
 * The operator says what became of an unconfirmed order. Refuses `order_not_found`,
 * `invalid_input`, `invalid_state` where it is not unconfirmed (any more), or is to be sent again
 * as a part of an order that has ended, and `conflict` where the number is another order's.
 */
export const resolveUnconfirmed: Operation<
  ResolveUnconfirmedInput,
  { id: string; state: OrderState }
> = {
  name: 'order.resolve_unconfirmed',
  permission: 'operator',
  async run(context, { orderId, resolution }) {
    const order = (await lockOrdersWithWallets(context.tx, { ids: [orderId] })).get(orderId)
    if (order === undefined) throw new Refusal('order_not_found')
    if (order.unconfirmedAt === null) {
      throw new Refusal('invalid_state', { detail: 'The order is not unconfirmed.' })
    }
    if (resolution.kind === 'found') {
      const { providerRef } = resolution
      const named = { id: order.id, provider: order.provider, providerRef }
      if ((await findTakenRefs(context.tx, [named])).length > 0) {
        throw new Refusal('conflict', { detail: 'Another order has this number.' })
      }
    }
    if (resolution.kind === 'resend' && order.parentId !== null) {
      const ended = await readEndedWholes(context.tx, [order.parentId])
      if (ended.has(order.parentId)) {
        throw new Refusal('invalid_state', { detail: 'The order that it is a part of has ended.' })
      }
    }
    const write = writeBy(order, resolution, context.now)
    await writeOrders(context, [write])
    context.record(orderEvent(order, 'resolved', { as: resolution.kind, provider: order.provider }))
    await settleNotices(context, unconfirmedNotice([order.id]))
    return { id: String(order.id), state: write.change?.state ?? order.state }
  },
}

function writeBy(order: StoredOrder, resolution: Resolution, now: Date): OrderWrite {
  switch (resolution.kind) {
    case 'found':
      return { order, providerRef: resolution.providerRef, lookAt: now }
    case 'resend': {
      const { provider, waitingSince } = order
      const standing = { provider, submitAskedAt: null, unconfirmedAt: null, waitingSince }
      return { order, standing, lookAt: now }
    }
    case 'refund': {
      const report = { state: 'failed', remains: null, startCount: null } as const
      return { order, change: changeBy(order, report) }
    }
  }
}

/**
 * The number under which an order is said to have been found, once its provider has said that it
 * knows it. To be asked before, and outside of any transaction. Refuses `invalid_input`, and
 * `provider_error` where the provider does not answer.
 */
export async function checkFound(
  drivers: DeliveryDrivers,
  o: { provider: string; providerRef: string },
): Promise<string> {
  const pointer = '/provider_ref'
  const ref = checkLine(o.providerRef, { pointer, lengthMax: REF_LENGTH_MAX })
  const asked = drivers.get(o.provider)?.status([ref])
  const answers = await asked?.catch((cause: unknown) => {
    throw new Refusal('provider_error', { cause })
  })
  if (answers?.get(ref)?.kind !== 'known') {
    throw invalidField(pointer, 'the provider does not know this number', 'not_found')
  }
  return ref
}
