import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { measurePace } from '../core/catalogue/measure-pace.ts'
import { execute, type Funnel } from '../core/execute.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

const EVERY_MS = 10 * 60_000
const BUSY_MS = 10_000
const BETWEEN_CHUNKS_MS = 100
const CHUNK = 500

/** Measures every ten minutes how long the orders of each service take, some services at a time. */
export function startPaceWorker(deps: {
  funnel: Funnel
  log: Pick<Logger, 'warn'>
  /** Whether customers are keeping the process busy: then nothing is measured. */
  busy(): boolean
}): RunningWorker {
  let after = '0'
  return startWorkerLoop({
    name: 'pace',
    log: deps.log,
    async step() {
      if (deps.busy()) return BUSY_MS
      const call = { actor: SYSTEM, input: { after, limit: CHUNK }, idempotencyKey: null }
      const { last } = (await execute(deps.funnel, measurePace, call)).output
      after = last ?? '0'
      return last === null ? EVERY_MS : BETWEEN_CHUNKS_MS
    },
  })
}
