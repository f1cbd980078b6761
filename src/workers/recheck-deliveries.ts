import { SYSTEM } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import { claimRechecks, type RecheckedOrder } from '../core/orders/claim-rechecks.ts'
import { type Recheck, recordRechecks } from '../core/orders/record-rechecks.ts'
import { answerOf, type Delivering } from './delivery-deps.ts'

const CHUNK = 100
const UNKNOWN = { kind: 'unknown' } as const
/** Whoever does not know a delivery so long after its end is not asked again every ten minutes. */
const FORGOTTEN_MS = 4 * 24 * 60 * 60_000

/**
 * Asks providers once more about deliveries that were completed: some take back what they said.
 * Returns how many it was.
 */
export async function recheckDeliveries(deps: Delivering): Promise<number> {
  const { funnel } = deps
  const orders = await claimRechecks(funnel.database, { now: funnel.clock.now(), limit: CHUNK })
  const groups = [...Map.groupBy(orders, (order) => order.provider)]
  const rechecks = (await Promise.all(groups.map((group) => recheck(deps, ...group)))).flat()
  if (rechecks.length > 0) {
    const call = { actor: SYSTEM, input: rechecks, idempotencyKey: null }
    await execute(funnel, recordRechecks, call)
  }
  return orders.length
}

async function recheck(
  { drivers, funnel, looks, log }: Delivering,
  provider: string,
  orders: readonly RecheckedOrder[],
): Promise<Recheck[]> {
  const driver = drivers.get(provider)
  const now = funnel.clock.now()
  if (driver === undefined || looks.state(provider) !== 'closed') return []
  try {
    const statuses = await answerOf(driver.status(orders.map((order) => order.providerRef)))
    return orders.flatMap((order) => {
      const status = statuses.get(order.providerRef) ?? UNKNOWN
      const isForgotten = now.getTime() - order.endedAt.getTime() > FORGOTTEN_MS
      return status.kind === 'known' || isForgotten ? [{ order, status }] : []
    })
  } catch (err) {
    looks.failed(provider)
    log.warn({ provider, orders: orders.length, err }, 'a provider does not say how orders stand')
    return []
  }
}
