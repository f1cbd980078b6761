import { randomUUID } from 'node:crypto'
import { claimUntaken, renewClaim, type UntakenOrder } from '../core/orders/claim-deliveries.ts'
import type { DeliveryDriver, SubmitAnswer } from '../core/orders/delivery-driver.ts'
import { type DispatchVerdict, dispatchVerdict } from '../core/orders/dispatch-verdict.ts'
import type { ProgressReport } from '../core/orders/record-progress.ts'
import { answerOf, type Delivering } from './delivery-deps.ts'
import { writeProgress } from './write-progress.ts'

const RENEW_EVERY_MS = 8_000
/** A delivery that has just begun is looked at soon. */
const FIRST_LOOK_MS = 2_000
/** Whoever writes what becomes of deliveries need not be looked at. */
export const NEVER_MS = 3650 * 24 * 60 * 60_000
/** One that answers, and takes none of what it was asked for, may take the next. */
const UNABLE_MAX_MS = 5_000

/**
 * Takes a chunk of the orders that wait for `provider` under a lease, hands them over outside any
 * transaction, and writes what became of each in one. What a process held when it died is due
 * again within 30 seconds. Returns how many the provider has taken or refused, and whether there
 * may be more to hand over.
 */
export async function handOver(
  deps: Delivering,
  o: { provider: string; limit: number },
): Promise<{ settled: number; full: boolean; ownMs: number }> {
  const { funnel, submits } = deps
  const { provider } = o
  const state = submits.state(provider)
  const driver = deps.drivers.get(provider)
  const askable = driver !== undefined && state !== 'open'
  const lease = randomUUID()
  const limit = state === 'trial' ? 1 : o.limit
  const startedMs = performance.now()
  const claim = { now: funnel.clock.now(), lease, limit, provider, askable }
  const orders = await claimUntaken(funnel.database, claim)
  const claimedMs = performance.now()
  if (driver === undefined || orders.length === 0) return { settled: 0, full: false, ownMs: 0 }
  const ids = orders.map((order) => order.orderId)
  const renewing = setInterval(() => {
    // Where this fails the lease lapses, and what was not written is uncertain to who comes next.
    renewClaim(funnel.database, { now: funnel.clock.now(), lease, ids }).catch(() => {})
  }, RENEW_EVERY_MS)
  try {
    const answers = askable ? await submit(deps, { provider, driver, orders }) : new Map()
    const answeredMs = performance.now()
    const reports = orders.map((order) => {
      const answer = answers.get(order.orderId) ?? unasked(deps, order, { driver, askable })
      return reportOf(deps, { order, driver, answer })
    })
    await writeProgress(deps, reports, lease)
    const ownMs = claimedMs - startedMs + performance.now() - answeredMs
    const settled = reports.filter((report) => report.report !== null).length
    return { settled, full: orders.length === limit, ownMs }
  } finally {
    clearInterval(renewing)
  }
}

/** One that may have arrived and would not be known when it comes again is not handed over. */
function isRepeatable(order: UntakenOrder, driver: DeliveryDriver): boolean {
  return !order.askedBefore || driver.isIdempotent
}

async function submit(
  { submits, log }: Delivering,
  o: { provider: string; driver: DeliveryDriver; orders: readonly UntakenOrder[] },
): Promise<ReadonlyMap<bigint, SubmitAnswer>> {
  const { provider, driver } = o
  const asked = o.orders.filter((order) => isRepeatable(order, driver))
  if (asked.length === 0) return new Map()
  try {
    const answers = await answerOf(driver.submit(asked))
    const all = asked.map(({ orderId }) => answers.get(orderId))
    if (all.some((answer) => answer !== undefined && showsThatItTakes(answer))) {
      submits.succeeded(provider)
    } else {
      const reasons = new Set(all.map((answer) => reasonOf(answer)))
      const waits = all.map((answer) => (answer?.kind === 'later' ? (answer.afterMs ?? 0) : 0))
      const isThere = all.every((answer) => answer?.kind === 'later')
      const leastMs = Math.max(...waits)
      submits.failed(provider, isThere ? { leastMs, mostMs: UNABLE_MAX_MS } : { leastMs })
      log.warn(
        { provider, orders: asked.length, reasons: [...reasons] },
        'a provider takes nothing',
      )
    }
    return answers
  } catch (err) {
    submits.failed(provider)
    log.warn({ provider, orders: asked.length, err }, 'a provider could not be asked')
    return new Map()
  }
}

function showsThatItTakes(answer: SubmitAnswer): boolean {
  if (answer.kind === 'later') return answer.isOwn === true
  return answer.kind !== 'unknown'
}

function reasonOf(answer: SubmitAnswer | undefined): string {
  return answer?.kind === 'later' ? answer.reason : 'no answer'
}

/** What is known of an order that was not asked for, or of which no answer came. */
function unasked(
  { submits }: Delivering,
  order: UntakenOrder,
  o: { driver: DeliveryDriver; askable: boolean },
): SubmitAnswer {
  if (o.askable || !isRepeatable(order, o.driver)) return { kind: 'unknown' }
  const afterMs = submits.leftMs(order.provider)
  return { kind: 'later', reason: 'The provider takes no orders.', afterMs }
}

function reportOf(
  deps: Delivering,
  o: { order: UntakenOrder; driver: DeliveryDriver; answer: SubmitAnswer },
): ProgressReport {
  const { order, driver, answer } = o
  const { orderId, provider, providers, refusedBy, askedBefore, askedAt, waitingSince } = order
  const now = deps.funnel.clock.now()
  const verdict = dispatchVerdict(
    {
      ...{ provider, providers, refusedBy, askedBefore },
      uncertainMs: sinceMs(askedAt, now),
      waitedMs: sinceMs(waitingSince, now),
      isIdempotent: driver.isIdempotent,
      policy: deps.policyOf(provider),
      failingForMs: deps.submits.failingForMs(provider),
      isAble: (other) => deps.drivers.has(other) && deps.submits.state(other) === 'closed',
    },
    answer,
  )
  const log = { order: String(orderId), provider }
  switch (verdict.kind) {
    case 'failed':
      deps.log.warn({ ...log, reason: verdict.reason }, 'an order is given back')
      break
    case 'unconfirmed':
      deps.log.warn(log, 'nobody knows whether a provider has an order')
      break
    case 'rerouted':
      if (answer.kind === 'refused') {
        deps.log.warn({ ...log, reason: answer.reason, to: verdict.to }, 'an order goes elsewhere')
      }
  }
  return { orderId, provider, ...written(verdict, { now, driver }) }
}

function sinceMs(then: Date | null, now: Date): number {
  return then === null ? 0 : now.getTime() - then.getTime()
}

function written(
  verdict: DispatchVerdict,
  o: { now: Date; driver: DeliveryDriver },
): Omit<ProgressReport, 'orderId'> {
  const after = (ms: number) => new Date(o.now.getTime() + ms)
  switch (verdict.kind) {
    case 'accepted': {
      const report = { state: 'pending', remains: null, startCount: verdict.startCount } as const
      const lookAt = after(o.driver.isSilent ? NEVER_MS : FIRST_LOOK_MS)
      return { report, providerRef: verdict.ref, lookAt }
    }
    case 'failed':
      return { report: { state: 'failed', remains: null, startCount: null } }
    case 'waits':
    case 'rerouted':
      return { report: null, dispatch: verdict, lookAt: after(verdict.waitMs) }
    case 'unconfirmed':
      return { report: null, dispatch: { kind: 'unconfirmed', reason: 'answer_lost' } }
  }
}
