import { setTimeout as pause } from 'node:timers/promises'
import type {
  CancelAnswer,
  DeliveryDriver,
  DeliveryDrivers,
  SubmitAnswer,
} from './delivery-driver.ts'
import type { StoredOrder } from './order-store.ts'

/** What became of asking a provider to cancel, and what was learnt of the order on the way. */
export type AskedCancel = CancelAnswer & {
  /** Who was asked. */
  readonly provider: string
  readonly providerRef: string | undefined
  readonly startCount: bigint | null
}

/** Well within the lease under which the orders are asked for. */
const ASK_MAX_MS = 18_000

/**
 * Asks the providers of `orders` to cancel them. An order whose handing over was never answered
 * is handed over again first where that is safe, which tells its ref; one that the provider then
 * refuses has had nothing delivered. Never throws: what fails, or takes too long, is unknown.
 */
export async function askToCancel(
  drivers: DeliveryDrivers,
  orders: readonly StoredOrder[],
): Promise<ReadonlyMap<bigint, AskedCancel>> {
  const answers = new Map<bigint, AskedCancel>(
    orders.map((order) => [order.id, { kind: 'unknown', ...known(order) }]),
  )
  const asking = [...Map.groupBy(orders, (order) => order.provider)].map(([provider, group]) =>
    askProvider(drivers.get(provider), group, answers),
  )
  const timeout = new AbortController()
  await Promise.race([
    Promise.all(asking).finally(() => timeout.abort()),
    pause(ASK_MAX_MS, undefined, { signal: timeout.signal }).catch(() => {}),
  ])
  return new Map(answers)
}

function known(order: StoredOrder): Omit<AskedCancel, keyof CancelAnswer> {
  const { provider, providerRef, startCount } = order
  return { provider, providerRef: providerRef ?? undefined, startCount }
}

async function askProvider(
  driver: DeliveryDriver | undefined,
  orders: readonly StoredOrder[],
  answers: Map<bigint, AskedCancel>,
): Promise<void> {
  if (driver === undefined) return
  // A driver that is not idempotent might deliver, and cost, a second time.
  const nameless = orders.filter((order) => order.providerRef === null && driver.isIdempotent)
  if (nameless.length > 0) {
    const submitted = await driver.submit(nameless.map(toRequest)).catch(() => undefined)
    for (const order of nameless) {
      const learnt = fromSubmit(order, submitted?.get(order.id))
      if (learnt !== undefined) answers.set(order.id, learnt)
    }
  }
  const byRef = new Map<string, bigint>()
  for (const order of orders) {
    const soFar = answers.get(order.id)
    if (soFar?.kind === 'unknown' && soFar.providerRef !== undefined) {
      byRef.set(soFar.providerRef, order.id)
    }
  }
  if (byRef.size === 0) return
  const canceled = await driver.cancel([...byRef.keys()]).catch(() => undefined)
  for (const [ref, orderId] of byRef) {
    const soFar = answers.get(orderId)
    const answer = canceled?.get(ref)
    if (soFar !== undefined && answer !== undefined) answers.set(orderId, { ...soFar, ...answer })
  }
}

function toRequest(order: StoredOrder): Parameters<DeliveryDriver['submit']>[0][number] {
  const { id: orderId, serviceId, type, upstreamService, quantity, link, params } = order
  return { orderId, serviceId, type, upstreamService, quantity, link, params }
}

function fromSubmit(order: StoredOrder, answer: SubmitAnswer | undefined): AskedCancel | undefined {
  switch (answer?.kind) {
    case 'accepted':
      return {
        ...known(order),
        kind: 'unknown',
        providerRef: answer.ref,
        startCount: answer.startCount,
      }
    case 'refused':
      return { kind: 'canceled', remains: order.quantity, ...known(order) }
    default:
      // "Later" speaks of this asking alone: an earlier one may have arrived.
      return undefined
  }
}
