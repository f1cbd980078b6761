import { setTimeout as pause } from 'node:timers/promises'
import type {
  ComputeAnswer,
  ComputeDriver,
  ComputeDrivers,
  ExtendRequest,
} from '../../servers/compute-driver.ts'
import type { PaymentLog } from './payment.ts'

/** What a provider is asked for at a time, and how often at once. */
const SERVERS_MAX = 500
const IN_FLIGHT_MAX = 4
const WAITING_MAX = 10_000
/** A driver answers within some twenty seconds; what takes longer is unknown. */
const ASK_MAX_MS = 22_000

/** So many of what was refused are named. */
const NAMED_MAX = 20

interface Waiting {
  readonly request: ExtendRequest
  readonly resolve: (answer: ComputeAnswer) => void
}

interface Provider {
  readonly name: string
  readonly driver: ComputeDriver
  waiting: Waiting[]
  inFlight: number
}

const UNKNOWN: ComputeAnswer = { kind: 'unknown' }

/**
 * Asks providers to let servers run on: what is asked for in the same moment goes into one call,
 * and what comes while enough calls are in flight into the next. Never throws: what fails, takes
 * too long, or has no driver here is unknown, and logged.
 */
export class ExtendQueue {
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #log: PaymentLog
  /** Providers without a driver here that were complained of. */
  readonly #missed = new Set<string>()

  constructor(compute: ComputeDrivers, log: PaymentLog) {
    this.#providers = new Map(
      [...compute].map(([name, driver]) => [name, { name, driver, waiting: [], inFlight: 0 }]),
    )
    this.#log = log
  }

  extend(provider: string, request: ExtendRequest): Promise<ComputeAnswer> {
    const asked = this.#providers.get(provider)
    if (asked === undefined && !this.#missed.has(provider)) {
      this.#missed.add(provider)
      this.#log.warn({ provider }, 'no driver renews the servers of this provider')
    }
    if (asked === undefined || asked.waiting.length >= WAITING_MAX) {
      return Promise.resolve(UNKNOWN)
    }
    return new Promise((resolve) => {
      asked.waiting.push({ request, resolve })
      if (asked.inFlight < IN_FLIGHT_MAX) start(asked, this.#log)
    })
  }
}

function start(provider: Provider, log: PaymentLog): void {
  provider.inFlight++
  setImmediate(() => {
    const some = provider.waiting.splice(0, SERVERS_MAX)
    void ask(provider, some, log)
      .then((answers) => {
        for (const { request, resolve } of some) resolve(answers.get(request.ref) ?? UNKNOWN)
      })
      .finally(() => {
        provider.inFlight--
        if (provider.waiting.length > 0 && provider.inFlight < IN_FLIGHT_MAX) start(provider, log)
      })
  })
}

async function ask(
  { name, driver }: Provider,
  some: readonly Waiting[],
  log: PaymentLog,
): Promise<ReadonlyMap<string, ComputeAnswer>> {
  const none = new Map<string, ComputeAnswer>()
  if (some.length === 0) return none
  const timeout = new AbortController()
  try {
    const requests = some.map(({ request }) => request)
    const late = pause(ASK_MAX_MS, none, { signal: timeout.signal })
    late.catch(() => {})
    const answers = await Promise.race([driver.extend(requests), late])
    tell(log, { provider: name, some, answers })
    return answers
  } catch (err) {
    const about = { provider: name, servers: some.length, err }
    log.warn(about, 'a provider could not be asked to renew servers')
    return none
  } finally {
    timeout.abort()
  }
}

function tell(
  log: PaymentLog,
  o: {
    readonly provider: string
    readonly some: readonly Waiting[]
    readonly answers: ReadonlyMap<string, ComputeAnswer>
  },
): void {
  const { provider, some, answers } = o
  const refused: { ref: string; reason: string }[] = []
  let unknown = 0
  for (const { request } of some) {
    const answer = answers.get(request.ref) ?? UNKNOWN
    if (answer.kind === 'unknown') unknown++
    if (answer.kind === 'refused') refused.push({ ref: request.ref, reason: answer.reason })
  }
  if (unknown > 0) {
    log.warn({ provider, servers: unknown }, 'a provider has not said whether servers are renewed')
  }
  if (refused.length > 0) {
    const about = { provider, servers: refused.length, refused: refused.slice(0, NAMED_MAX) }
    log.warn(about, 'a provider refused to renew servers')
  }
}
