import { setTimeout as pause } from 'node:timers/promises'
import type {
  ComputeAnswer,
  ComputeDriver,
  ComputeDrivers,
  ExtendRequest,
} from '../servers/compute-driver.ts'

/** What a provider is asked for at a time, and how often at once. */
const SERVERS_MAX = 500
const IN_FLIGHT_MAX = 4
const WAITING_MAX = 10_000
/** A driver answers within some twenty seconds; what takes longer is unknown. */
const ASK_MAX_MS = 22_000

interface Waiting {
  readonly request: ExtendRequest
  readonly resolve: (answer: ComputeAnswer) => void
}

interface Provider {
  readonly driver: ComputeDriver
  waiting: Waiting[]
  inFlight: number
}

const UNKNOWN: ComputeAnswer = { kind: 'unknown' }

/**
 * Asks providers to let servers run on: what is asked for in the same moment goes into one call,
 * and what comes while enough calls are in flight into the next. Never throws: what fails, takes
 * too long, or has no driver here is unknown.
 */
export class ExtendQueue {
  readonly #providers: ReadonlyMap<string, Provider>

  constructor(compute: ComputeDrivers) {
    this.#providers = new Map(
      [...compute].map(([name, driver]) => [name, { driver, waiting: [], inFlight: 0 }]),
    )
  }

  extend(provider: string, request: ExtendRequest): Promise<ComputeAnswer> {
    const asked = this.#providers.get(provider)
    if (asked === undefined || asked.waiting.length >= WAITING_MAX) {
      return Promise.resolve(UNKNOWN)
    }
    return new Promise((resolve) => {
      asked.waiting.push({ request, resolve })
      if (asked.inFlight < IN_FLIGHT_MAX) start(asked)
    })
  }
}

function start(provider: Provider): void {
  provider.inFlight++
  setImmediate(() => {
    const some = provider.waiting.splice(0, SERVERS_MAX)
    void ask(provider.driver, some)
      .then((answers) => {
        for (const { request, resolve } of some) resolve(answers.get(request.ref) ?? UNKNOWN)
      })
      .finally(() => {
        provider.inFlight--
        if (provider.waiting.length > 0 && provider.inFlight < IN_FLIGHT_MAX) start(provider)
      })
  })
}

async function ask(
  driver: ComputeDriver,
  some: readonly Waiting[],
): Promise<ReadonlyMap<string, ComputeAnswer>> {
  const none = new Map<string, ComputeAnswer>()
  if (some.length === 0) return none
  const timeout = new AbortController()
  try {
    const requests = some.map(({ request }) => request)
    const late = pause(ASK_MAX_MS, none, { signal: timeout.signal })
    late.catch(() => {})
    return await Promise.race([driver.extend(requests), late])
  } catch {
    return none
  } finally {
    timeout.abort()
  }
}
