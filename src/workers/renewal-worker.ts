import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import {
  type DueChoice,
  findDueRenewals,
  issueDueRenewals,
  postponeRenewal,
} from '../core/billing/issue-due-renewals.ts'
import { suspendOverdue } from '../core/billing/suspend-overdue.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import { Refusal } from '../core/refusal.ts'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import { runAlone } from '../db/run-alone.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface RenewalWorkerDeps {
  readonly funnel: Funnel
  /** Tries to pay up to `limit` purchases that are due to be paid; how many it took in hand. */
  payDue(o: { limit: number }): Promise<number>
  readonly log: Pick<Logger, 'warn'>
  /** Whether customers are keeping the process busy: then the worker takes a tenth of the time. */
  busy(): boolean
}

/** Less where customers feel it: a chunk is what they wait for at the most. */
const CHUNK_MAX = 250
const CHUNK_MIN = 50
const CHUNK_GROWTH = 25
const SUSPEND_CHUNK = 200
const TICK_MS = 1_000
/** While nobody else needs the process, chunks follow one another for so long. */
const STEP_MS = 1_000
/** While busy, each millisecond of work is followed by this many of rest. */
const REST_RATIO = 9
const REST_MAX_MS = 5_000

/**
 * Makes out renewals some days ahead, pays them on the day they are due, and suspends what has
 * gone unpaid for too long. What is due stands in the rows; a step takes a chunk of it, and what
 * it has done is not due any more. So steps that are repeated, or taken by two processes, change
 * nothing more; that one process is at it at a time only saves work.
 */
export function startRenewalWorker(deps: RenewalWorkerDeps): RunningWorker {
  let chunk = CHUNK_MAX
  return startWorkerLoop({
    name: 'renewals',
    log: deps.log,
    async step() {
      const startedMs = performance.now()
      const more = await renewOnce(deps, { chunk, forMs: STEP_MS })
      const tookMs = performance.now() - startedMs
      const waitMs = more ? 0 : TICK_MS
      // Orders may pile up behind a chunk, too: then it was too long.
      const isBusy = deps.busy()
      chunk = isBusy ? Math.max(chunk >> 1, CHUNK_MIN) : Math.min(chunk + CHUNK_GROWTH, CHUNK_MAX)
      return isBusy ? Math.max(waitMs, Math.min(tookMs * REST_RATIO, REST_MAX_MS)) : waitMs
    },
  })
}

/**
 * Chunks of everything for so many milliseconds, one of each at the least; says whether there is
 * more. What fails keeps nothing else back.
 */
export async function renewOnce(
  deps: RenewalWorkerDeps,
  o: { chunk: number; forMs: number } = { chunk: CHUNK_MAX, forMs: 0 },
): Promise<boolean> {
  const { pool } = deps.funnel.database
  const untilMs = performance.now() + o.forMs
  const isOver = () => performance.now() >= untilMs || deps.busy()
  const more = await runAlone(pool, ADVISORY_LOCKS.renewals, async () => {
    // What one chunk makes out the next pays: both have work meanwhile, and neither waits.
    const ended = await Promise.allSettled([
      repeatWhileFull(o.chunk, isOver, (limit) => issueChunk(deps, limit)),
      repeatWhileFull(o.chunk, isOver, (limit) => deps.payDue({ limit })),
    ])
    const { count: overdue } = await run(deps.funnel, suspendOverdue, { limit: SUSPEND_CHUNK })
    const failure = ended.find((one) => one.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    const isFull = ended.some((one) => one.status === 'fulfilled' && one.value)
    return isFull || overdue === SUSPEND_CHUNK
  })
  return more ?? false
}

/** Takes chunks until one was not full or the time is over; says whether the last was full. */
async function repeatWhileFull(
  chunk: number,
  isOver: () => boolean,
  take: (limit: number) => Promise<number>,
): Promise<boolean> {
  for (;;) {
    if ((await take(chunk)) < chunk) return false
    if (isOver()) return true
  }
}

/** Where one renewal spoils the chunk, each is made out by itself, so that only that one waits. */
async function issueChunk(deps: RenewalWorkerDeps, chunk: number): Promise<number> {
  const { funnel, log } = deps
  try {
    return await issue(deps, { limit: chunk })
  } catch (error) {
    // The database is away: it would be for each.
    if (error instanceof Refusal) throw error
  }
  const now = funnel.clock.now()
  const ids = await findDueRenewals(funnel.database.db, { now, limit: chunk })
  for (const subscriptionId of ids) {
    try {
      await issue(deps, { limit: 1, only: [subscriptionId] })
    } catch (err) {
      if (err instanceof Refusal) throw err
      const subscription = String(subscriptionId)
      log.warn({ err, subscription }, 'a renewal could not be made out: again in a day')
      await run(funnel, postponeRenewal, { subscriptionId })
    }
  }
  return ids.length
}

async function issue({ funnel, log }: RenewalWorkerDeps, choice: DueChoice): Promise<number> {
  const { count, refused } = await run(funnel, issueDueRenewals, choice)
  if (refused.length > 0) log.warn({ refused }, 'renewals could not be made out: again in a day')
  return count
}

async function run<I, O>(funnel: Funnel, operation: Operation<I, O>, input: I): Promise<O> {
  return (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}
