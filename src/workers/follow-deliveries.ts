import { claimLooks, type LookPace, type TakenOrder } from '../core/orders/claim-deliveries.ts'
import type { DeliveryDriver, DeliveryStatus } from '../core/orders/delivery-driver.ts'
import { changeBy } from '../core/orders/order.ts'
import type { ProgressReport } from '../core/orders/record-progress.ts'
import { answerOf, type Delivering } from './delivery-deps.ts'
import { writeProgress } from './write-progress.ts'

/** How many orders are taken at once, and how many of them one call asks for. */
const CHUNK = 500
const CALL = 100
/** When a delivery that was completed is looked at again. */
const FIRST_RECHECK_MS = 60 * 60_000

/**
 * Asks `provider` where a chunk of its deliveries stand, and writes what has changed. Returns how
 * many were asked for.
 */
export async function followDeliveries(
  deps: Delivering,
  o: { provider: string; pace: LookPace },
): Promise<{ taken: number; full: boolean; ownMs: number }> {
  const { funnel, looks } = deps
  const driver = deps.drivers.get(o.provider)
  if (driver === undefined) return { taken: 0, full: false, ownMs: 0 }
  const limit = looks.state(o.provider) === 'trial' ? CALL : CHUNK
  const startedMs = performance.now()
  const claim = { ...o, now: funnel.clock.now(), limit }
  const orders = await claimLooks(funnel.database, claim)
  const claimedMs = performance.now()
  const calls: TakenOrder[][] = []
  for (let at = 0; at < orders.length; at += CALL) calls.push(orders.slice(at, at + CALL))
  const reports = await Promise.all(
    calls.map((part) => look(deps, { provider: o.provider, driver, orders: part })),
  )
  const answeredMs = performance.now()
  await writeProgress(deps, reports.flat(), null)
  const ownMs = claimedMs - startedMs + performance.now() - answeredMs
  return { taken: orders.length, full: orders.length === limit, ownMs }
}

/** What was learnt of `orders`: nothing of those that stand as they stood. */
async function look(
  { funnel, looks, log }: Delivering,
  o: { provider: string; driver: DeliveryDriver; orders: readonly TakenOrder[] },
): Promise<ProgressReport[]> {
  const { provider, driver, orders } = o
  const refs = orders.map((order) => order.providerRef)
  let statuses: ReadonlyMap<string, DeliveryStatus>
  try {
    statuses = await answerOf(driver.status(refs))
    looks.succeeded(provider)
  } catch (err) {
    looks.failed(provider)
    log.warn({ provider, orders: orders.length, err }, 'a provider does not say how orders stand')
    return []
  }
  const recheckAt = driver.revises
    ? { recheckAt: new Date(funnel.clock.now().getTime() + FIRST_RECHECK_MS) }
    : {}
  return orders.flatMap((order) => {
    const report = statuses.get(order.providerRef)
    if (report?.kind !== 'known' || changeBy(order, report) === undefined) return []
    return [{ orderId: order.orderId, report, ...recheckAt }]
  })
}
