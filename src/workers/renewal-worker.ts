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
      const more = await renewOnce(deps, chunk)
      const tookMs = performance.now() - startedMs
      const waitMs = more ? 0 : TICK_MS
      // Orders may pile up behind a chunk, too: then it was too long.
      const isBusy = deps.busy()
      chunk = isBusy ? Math.max(chunk >> 1, CHUNK_MIN) : Math.min(chunk + CHUNK_GROWTH, CHUNK_MAX)
      return isBusy ? Math.max(waitMs, Math.min(tookMs * REST_RATIO, REST_MAX_MS)) : waitMs
    },
  })
}

/** One chunk of everything; says whether there is more. What fails keeps nothing else back. */
export async function renewOnce(deps: RenewalWorkerDeps, chunk = CHUNK_MAX): Promise<boolean> {
  const { pool } = deps.funnel.database
  const more = await runAlone(pool, ADVISORY_LOCKS.renewals, async () => {
    // What is made out in this step is paid in the next: both have work meanwhile.
    const ended = await Promise.allSettled([issueChunk(deps, chunk), deps.payDue({ limit: chunk })])
    const { count: overdue } = await run(deps.funnel, suspendOverdue, { limit: SUSPEND_CHUNK })
    const failure = ended.find((one) => one.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    const isFull = ended.some((one) => one.status === 'fulfilled' && one.value === chunk)
    return isFull || overdue === SUSPEND_CHUNK
  })
  return more ?? false
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
