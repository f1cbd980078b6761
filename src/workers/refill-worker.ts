import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import { askProvider, type Heard } from '../core/orders/refills/ask-to-refill.ts'
import { claimRefills, recordRefills } from '../core/orders/refills/follow-refills.ts'
import type { AskedWork } from '../core/orders/refills/refill.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface RefillWorkerDeps {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
  readonly log: Pick<Logger, 'warn'>
}

const CHUNK = 200
const TICK_MS = 500
/** A driver answers within some twenty seconds; what takes longer is unknown. */
const PATIENCE_MS = 22_000

/**
 * Follows refills to their end, and asks for those whose asking was never answered. Any number of
 * workers share them; what one held when it died is looked at by another within 30 seconds. A
 * provider that fails is asked again when a refill is a quarter older.
 */
export function startRefillWorker(deps: RefillWorkerDeps): RunningWorker {
  return startWorkerLoop({
    name: 'refill',
    log: deps.log,
    step: async () => ((await followChunk(deps)) === CHUNK ? 0 : TICK_MS),
  })
}

/** Returns how many works were taken. */
async function followChunk(deps: RefillWorkerDeps): Promise<number> {
  const { funnel } = deps
  const lease = randomUUID()
  const claim = { now: funnel.clock.now(), lease, limit: CHUNK }
  const works = await claimRefills(funnel.database, claim)
  if (works.length === 0) return 0
  const heard = await Promise.all(
    [...Map.groupBy(works, (work) => work.provider)].map(([provider, theirs]) =>
      ask(deps, provider, theirs),
    ),
  )
  const refillIds = works.map((work) => work.refillId)
  const input = { refillIds, heard: heard.flat(), lease }
  await execute(funnel, recordRefills, { actor: SYSTEM, input, idempotencyKey: null })
  return works.length
}

async function ask(
  { drivers, log }: RefillWorkerDeps,
  provider: string,
  works: readonly AskedWork[],
): Promise<readonly Heard[]> {
  const driver = drivers.get(provider)
  if (driver === undefined) {
    log.warn({ provider, refills: works.length }, 'no driver refills these orders')
    return []
  }
  const timeout = new AbortController()
  const late = pause(PATIENCE_MS, null, { signal: timeout.signal })
  late.catch(() => {})
  try {
    const heard = await Promise.race([askProvider(driver, works), late])
    if (heard === null) log.warn({ provider }, 'a provider does not answer')
    return heard ?? []
  } catch (err) {
    log.warn({ provider, err }, 'a provider could not be asked for refills')
    return []
  } finally {
    timeout.abort()
  }
}
