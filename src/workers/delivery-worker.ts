import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel, isOutage } from '../core/execute.ts'
import { claimDeliveries, type DueOrder, renewClaim } from '../core/orders/claim-deliveries.ts'
import type { DeliveryDriver, DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import { type ProgressReport, recordProgress } from '../core/orders/record-progress.ts'
import { Refusal } from '../core/refusal.ts'
import { ProviderBackOff } from './provider-back-off.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface DeliveryWorkerDeps {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** Whether customers are keeping the process busy: then the worker takes a tenth of the time. */
  busy(): boolean
}

const CHUNK = 200
const TICK_MS = 250
const IDLE_TICK_MAX_MS = 1_000
/** While busy, each millisecond of work is followed by this many of rest. */
const REST_RATIO = 9
const REST_MAX_MS = 5_000
const RENEW_EVERY_MS = 8_000
/** An order is looked at again when it is a quarter older than it was, within these bounds. */
const LOOK_MIN_MS = 2_000
const LOOK_MIN_BUSY_MS = 15_000
const LOOK_MAX_MS = 600_000
const NO_DRIVER_MS = 60_000

/**
 * Hands orders to their providers and follows them to their end. Any number of workers share the
 * orders: each takes a chunk under a lease, asks the providers outside any transaction, and writes
 * what they said in one. What a worker held when it died is due again within 30 seconds.
 */
export function startDeliveryWorker(deps: DeliveryWorkerDeps): RunningWorker {
  const backOff = new ProviderBackOff()
  let tickMs = TICK_MS
  return startWorkerLoop({
    name: 'delivery',
    log: deps.log,
    async step() {
      const startedMs = performance.now()
      const looked = await lookAtChunk(deps, backOff)
      const tookMs = performance.now() - startedMs
      tickMs = looked === 0 ? Math.min(tickMs * 2, IDLE_TICK_MAX_MS) : TICK_MS
      const waitMs = looked === CHUNK ? 0 : tickMs
      return deps.busy() ? Math.max(waitMs, Math.min(tookMs * REST_RATIO, REST_MAX_MS)) : waitMs
    },
  })
}

/** Returns how many orders were taken. */
async function lookAtChunk(deps: DeliveryWorkerDeps, backOff: ProviderBackOff): Promise<number> {
  const { funnel, drivers } = deps
  const lease = randomUUID()
  const askable = [...drivers.keys()].filter((provider) => backOff.leftMs(provider) === 0)
  const now = funnel.clock.now()
  const orders = await claimDeliveries(funnel.database, { now, lease, limit: CHUNK, askable })
  if (orders.length === 0) return 0
  const ids = orders.map((order) => order.orderId)
  const renewing = setInterval(() => {
    // Where this fails the lease lapses and another worker asks again, which is safe.
    renewClaim(funnel.database, { now: funnel.clock.now(), lease, ids }).catch(() => {})
  }, RENEW_EVERY_MS)
  try {
    const groups = Map.groupBy(orders, (order) => order.provider)
    const reports = await Promise.all(
      [...groups].map(([provider, group]) =>
        askable.includes(provider)
          ? askProvider(deps, backOff, provider, group)
          : putOff(deps, backOff, provider, group),
      ),
    )
    await record(deps, reports.flat(), lease)
  } finally {
    clearInterval(renewing)
  }
  return orders.length
}

/** For providers that have just failed, or that this process has no driver for. */
function putOff(
  { funnel, drivers, log }: DeliveryWorkerDeps,
  backOff: ProviderBackOff,
  provider: string,
  orders: readonly DueOrder[],
): ProgressReport[] {
  const known = drivers.has(provider)
  if (!known) log.warn({ provider, orders: orders.length }, 'no driver delivers these orders')
  const waitMs = known ? backOff.leftMs(provider) : NO_DRIVER_MS
  const lookAt = new Date(funnel.clock.now().getTime() + waitMs)
  return orders.map(({ orderId }) => ({ orderId, report: null, lookAt }))
}

async function askProvider(
  deps: DeliveryWorkerDeps,
  backOff: ProviderBackOff,
  provider: string,
  orders: readonly DueOrder[],
): Promise<ProgressReport[]> {
  const driver = deps.drivers.get(provider)
  if (driver === undefined) return []
  const [fresh, taken] = [
    orders.filter((order) => order.providerRef === null),
    orders.filter((order) => order.providerRef !== null),
  ]
  const asked = await Promise.allSettled([submit(deps, driver, fresh), readStatus(driver, taken)])
  const failure = asked.find((answer) => answer.status === 'rejected')
  if (failure === undefined) backOff.succeeded(provider)
  else {
    backOff.failed(provider)
    deps.log.warn({ provider, err: failure.reason }, 'a provider could not be asked')
  }
  const answers = new Map(
    asked.flatMap((answer) => (answer.status === 'fulfilled' ? [...answer.value] : [])),
  )
  const now = deps.funnel.clock.now()
  const busy = deps.busy()
  return orders.map((order) => {
    const waitMs = Math.max(lookAfterMs(order, now, busy), backOff.leftMs(provider))
    const lookAt = new Date(now.getTime() + waitMs)
    return { orderId: order.orderId, report: null, ...answers.get(order.orderId), lookAt }
  })
}

/** The older an order, the longer until the next look; so a backlog is also looked at less. */
function lookAfterMs(order: DueOrder, now: Date, busy: boolean): number {
  const ageMs = now.getTime() - order.createdAt.getTime()
  const leastMs = busy ? LOOK_MIN_BUSY_MS : LOOK_MIN_MS
  return Math.max(leastMs, Math.min(ageMs / 4, LOOK_MAX_MS))
}

type Learnt = Pick<ProgressReport, 'report' | 'providerRef'>

async function submit(
  { log }: DeliveryWorkerDeps,
  driver: DeliveryDriver,
  orders: readonly DueOrder[],
): Promise<Map<bigint, Learnt>> {
  const learnt = new Map<bigint, Learnt>()
  if (orders.length === 0) return learnt
  for (const [orderId, answer] of await driver.submit(orders)) {
    if (answer.kind === 'accepted') {
      const report = { state: 'pending', remains: null, startCount: answer.startCount } as const
      learnt.set(orderId, { report, providerRef: answer.ref })
    } else if (answer.kind === 'refused') {
      log.warn({ order: String(orderId), reason: answer.reason }, 'a provider refused an order')
      learnt.set(orderId, { report: { state: 'failed', remains: null, startCount: null } })
    }
  }
  return learnt
}

async function readStatus(
  driver: DeliveryDriver,
  orders: readonly DueOrder[],
): Promise<Map<bigint, Learnt>> {
  const learnt = new Map<bigint, Learnt>()
  if (orders.length === 0) return learnt
  const statuses = await driver.status(orders.flatMap((order) => order.providerRef ?? []))
  for (const { orderId, providerRef } of orders) {
    const status = providerRef === null ? undefined : statuses.get(providerRef)
    if (status?.kind === 'known') learnt.set(orderId, { report: status })
  }
  return learnt
}

/** All in one transaction; where one order spoils it, each in its own, so that only that one is
 * left to be looked at again. */
async function record(
  { funnel, log }: DeliveryWorkerDeps,
  reports: readonly ProgressReport[],
  lease: string,
): Promise<void> {
  const write = (part: readonly ProgressReport[]) =>
    execute(funnel, recordProgress, {
      actor: SYSTEM,
      input: { reports: part, lease },
      idempotencyKey: null,
    })
  try {
    await write(reports)
  } catch (error) {
    if (isOutage(error) || error instanceof Refusal || reports.length === 1) throw error
    for (const report of reports) {
      await write([report]).catch((err: unknown) => {
        log.error({ err, order: String(report.orderId) }, 'an order could not be written')
      })
    }
  }
}
