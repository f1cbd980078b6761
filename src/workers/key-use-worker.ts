import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import { recordKeyUse } from '../core/identity/record-key-use.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

const EVERY_MS = 10_000

/** Writes down, every ten seconds, which keys were used: never in the way of a request. */
export function startKeyUseWorker(deps: {
  funnel: Funnel
  keys: KeyDirectory
  log: Pick<Logger, 'warn'>
}): RunningWorker {
  return startWorkerLoop({
    name: 'key use',
    log: deps.log,
    async step() {
      const keyIds = deps.keys.takeUsed()
      if (keyIds.length > 0) {
        const call = { actor: SYSTEM, input: { keyIds }, idempotencyKey: null }
        await execute(deps.funnel, recordKeyUse, call)
      }
      return EVERY_MS
    },
  })
}
