import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import { claimUntold } from '../core/servers/claim-untold.ts'
import type {
  ComputeAnswer,
  ComputeDriver,
  ComputeDrivers,
} from '../core/servers/compute-driver.ts'
import { recordTold } from '../core/servers/record-told.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface ServerWorkerDeps {
  readonly funnel: Funnel
  readonly compute: ComputeDrivers
  readonly log: Pick<Logger, 'warn'>
  /** How long a provider's answer is waited for; left out: less than a lease lasts. */
  readonly patienceMs?: number
}

const CHUNK = 200
const TICK_MS = 500
/** A driver answers within some twenty seconds; what takes longer is unknown. */
const PATIENCE_MS = 22_000
/** A server is told again when it is a quarter longer untold than it was, within these bounds. */
const AGAIN_MIN_MS = 1_000
const AGAIN_MAX_MS = 600_000

/**
 * Tells providers which servers are suspended, and which run again, until they have done it. Any
 * number of workers share the servers; what one held when it died is told by another within 30
 * seconds.
 */
export function startServerWorker(deps: ServerWorkerDeps): RunningWorker {
  return startWorkerLoop({
    name: 'server',
    log: deps.log,
    step: async () => ((await tellChunk(deps)) === CHUNK ? 0 : TICK_MS),
  })
}

type Untold = Awaited<ReturnType<typeof claimUntold>>[number]

/** Returns how many servers were taken. */
async function tellChunk(deps: ServerWorkerDeps): Promise<number> {
  const { funnel, compute } = deps
  const lease = randomUUID()
  const claim = { now: funnel.clock.now(), lease, limit: CHUNK }
  const servers = await claimUntold(funnel.database, claim)
  if (servers.length === 0) return 0
  const groups = [...Map.groupBy(servers, (server) => server.provider)]
  const told = await Promise.all(
    groups.map(async ([provider, theirs]) => {
      const answers = await tell(deps, compute.get(provider), { provider, servers: theirs })
      return theirs.map((server) => ({ server, answer: answers.get(server.providerRef) }))
    }),
  )
  const now = funnel.clock.now()
  const reports = told.flat().map(({ server, answer }) => ({
    id: server.id,
    state: server.state,
    lookAt: answer?.kind === 'done' ? null : againAt(server, now),
  }))
  const call = { actor: SYSTEM, input: { lease, reports }, idempotencyKey: null }
  await execute(funnel, recordTold, call)
  return servers.length
}

async function tell(
  { log, patienceMs = PATIENCE_MS }: ServerWorkerDeps,
  driver: ComputeDriver | undefined,
  { provider, servers }: { provider: string; servers: readonly Untold[] },
): Promise<ReadonlyMap<string, ComputeAnswer>> {
  if (driver === undefined) {
    log.warn({ provider, servers: servers.length }, 'no driver runs these servers')
    return new Map()
  }
  // What is terminated does not run either.
  const requests = servers.map(({ providerRef, state }) => ({
    ref: providerRef,
    suspended: state !== 'active',
  }))
  const timeout = new AbortController()
  const late = pause(patienceMs, null, { signal: timeout.signal })
  late.catch(() => {})
  try {
    const answers = await Promise.race([driver.setSuspended(requests), late])
    if (answers === null) {
      log.warn({ provider, servers: servers.length }, 'a provider does not answer')
      return new Map()
    }
    const refused = [...answers].filter(([, answer]) => answer.kind === 'refused')
    if (refused.length > 0) log.warn({ provider, refused }, 'a provider refused to suspend')
    return answers
  } catch (err) {
    log.warn({ provider, err }, 'a provider could not be told of its servers')
    return new Map()
  } finally {
    timeout.abort()
  }
}

function againAt({ updatedAt }: Untold, now: Date): Date {
  const untoldMs = now.getTime() - updatedAt.getTime()
  return new Date(now.getTime() + Math.min(Math.max(untoldMs / 4, AGAIN_MIN_MS), AGAIN_MAX_MS))
}
