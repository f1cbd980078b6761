import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import { forgetEffects } from '../core/forget-effects.ts'
import { forgetRateWindows } from '../core/forget-rate-windows.ts'
import { forgetSessions } from '../core/identity/forget-sessions.ts'
import type { Operation } from '../core/operation.ts'
import { forgetOrderKeys } from '../core/orders/forget-order-keys.ts'
import { tellOfStalled } from '../core/orders/tell-of-stalled.ts'
import { forgetMessages } from '../core/webhooks/forget-messages.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface CleanUpDeps {
  readonly funnel: Funnel
  readonly log: Pick<Logger, 'warn'>
  /** Whether customers are keeping the process busy: then nothing is cleaned up. */
  busy(): boolean
}

const CHUNK = 500
/** Many small rows a minute, of no interest once the minute is over. */
const RATE_WINDOW_CHUNK = 10_000
/** As many as a busy day makes in a few minutes. */
const MESSAGE_CHUNK = 5_000
const BETWEEN_CHUNKS_MS = 1_000
const WHEN_CLEAN_MS = 5 * 60_000
const BUSY_MS = 10_000
/** An order that has not moved for so long is told of. */
const STALLED_MS = 7 * 24 * 60 * 60_000
const STALLED_EVERY_MS = 60 * 60_000
const STALLED_CHUNK = 500
const KEY_KEPT_MS = 30 * 24 * 60 * 60_000

/**
 * Removes what has served its time, a little at a time: idempotency keys after 30 days, sessions
 * that have ended, counts of requests of past minutes. Tells of orders that nobody looks after.
 */
export function startCleanUp(deps: CleanUpDeps): RunningWorker {
  let toldAtMs = Number.NEGATIVE_INFINITY
  return startWorkerLoop({
    name: 'clean-up',
    log: deps.log,
    async step() {
      if (deps.busy()) return BUSY_MS
      if (performance.now() - toldAtMs >= STALLED_EVERY_MS) {
        await tellOnce(deps.funnel)
        toldAtMs = performance.now()
      }
      return (await cleanUpOnce(deps.funnel)) ? BETWEEN_CHUNKS_MS : WHEN_CLEAN_MS
    },
  })
}

async function tellOnce(funnel: Funnel): Promise<void> {
  const since = new Date(funnel.clock.now().getTime() - STALLED_MS)
  const input = { since, limit: STALLED_CHUNK }
  await execute(funnel, tellOfStalled, { actor: SYSTEM, input, idempotencyKey: null })
}

/** One chunk of everything; says whether there is more. */
export async function cleanUpOnce(funnel: Funnel): Promise<boolean> {
  const before = new Date(funnel.clock.now().getTime() - KEY_KEPT_MS)
  const forget = async <I>(operation: Operation<I, { more: boolean }>, input: I) => {
    const call = { actor: SYSTEM, input, idempotencyKey: null }
    return (await execute(funnel, operation, call)).output.more
  }
  const more = [
    await forget(forgetEffects, { before, limit: CHUNK }),
    await forget(forgetOrderKeys, { before, limit: CHUNK }),
    await forget(forgetSessions, { limit: CHUNK }),
    await forget(forgetRateWindows, { limit: RATE_WINDOW_CHUNK }),
    await forget(forgetMessages, { before, limit: MESSAGE_CHUNK }),
  ]
  return more.includes(true)
}
