import type {
  CancelAnswer,
  DeliveryDriver,
  DeliveryStatus,
} from '../../core/orders/delivery-driver.ts'
import type { ManualQueue, ManualStanding } from '../../core/orders/manual/manual-queue.ts'

const NO_REFILLS = {
  kind: 'refused',
  reason: 'Nobody refills what was delivered by hand.',
} as const

/**
 * Operators deliver by hand: an order that is handed over waits in their queue, and they say in
 * the order itself how it stands. What nobody has in hand yet can be canceled.
 */
export function manualDelivery(queue: ManualQueue): DeliveryDriver {
  return {
    isIdempotent: true,
    revises: false,
    isSilent: true,
    submit: async (orders) =>
      new Map(
        orders.map(({ orderId }) => [
          orderId,
          { kind: 'accepted', ref: refOf(orderId), startCount: null },
        ]),
      ),
    async status(refs) {
      const standings = await queue.standings(idsOf(refs))
      return new Map(standings.map((standing) => [refOf(standing.orderId), statusOf(standing)]))
    },
    async cancel(refs) {
      const standings = await queue.standings(idsOf(refs))
      return new Map(standings.map((standing) => [refOf(standing.orderId), cancelOf(standing)]))
    },
    refill: async (asked) => asked.map(() => NO_REFILLS),
    refillStatus: async () => new Map(),
  }
}

const REF = /^manual-(\d{1,18})$/

function refOf(orderId: bigint): string {
  return `manual-${orderId}`
}

function idsOf(refs: readonly string[]): bigint[] {
  return refs.flatMap((ref) => {
    const digits = REF.exec(ref)?.[1]
    return digits === undefined ? [] : [BigInt(digits)]
  })
}

function statusOf({ state, startCount, remains }: ManualStanding): DeliveryStatus {
  // What the operator calls done is delivered, as far as anybody else is concerned.
  return { kind: 'known', state: state === 'done' ? 'completed' : state, startCount, remains }
}

function cancelOf({ state, remains, isInHand }: ManualStanding): CancelAnswer {
  if (state === 'canceled') return { kind: 'canceled', remains }
  if (isInHand) return { kind: 'refused', reason: 'Somebody is at it.' }
  return state === 'pending' || state === 'in_progress'
    ? { kind: 'canceled', remains }
    : { kind: 'refused', reason: 'The delivery has ended.' }
}
