import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'

export interface RunningWorker {
  /** Lets the step in hand end, and begins no other. */
  stop(): Promise<void>
}

const FAILURE_PAUSE_MS = 500
const FAILURE_PAUSE_MAX_MS = 10_000

/**
 * Takes one step after another until it is stopped. A step answers how many milliseconds to wait
 * before the next. One that fails (the database may be away) is logged, and the next is waited
 * for longer each time, so that a worker neither dies nor spins.
 */
export function startWorkerLoop(o: {
  readonly name: string
  readonly log: Pick<Logger, 'warn'>
  step(): Promise<number>
}): RunningWorker {
  const stopping = new AbortController()
  const running = run(o, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function run(o: Parameters<typeof startWorkerLoop>[0], signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    let waitMs: number
    try {
      waitMs = await o.step()
      failures = 0
    } catch (error) {
      waitMs = Math.min(FAILURE_PAUSE_MS * 2 ** failures, FAILURE_PAUSE_MAX_MS)
      failures++
      o.log.warn({ worker: o.name, err: error, waitMs }, 'a step failed and will be repeated')
    }
    await pause(waitMs, undefined, { signal }).catch(() => {})
  }
}
