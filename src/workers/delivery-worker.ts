import { type DueLine, readDueLines, readStrangers } from '../core/orders/claim-deliveries.ts'
import { type BreakerState, CircuitBreaker } from './circuit-breaker.ts'
import type { Delivering, DeliveryWorkerDeps } from './delivery-deps.ts'
import { followDeliveries } from './follow-deliveries.ts'
import { handOver, NEVER_MS } from './hand-over.ts'
import { recheckDeliveries } from './recheck-deliveries.ts'
import { restWhileBusy } from './rest-while-busy.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

/** What the delivery worker tells of itself. */
export interface DeliveryFigures {
  /** Orders that were handed over, and looks at deliveries, since the start. */
  readonly handedOver: number
  readonly looked: number
  /** Calls of providers that are waited for. */
  readonly inFlight: number
  /** Providers that take nothing, or do not say how orders stand. */
  readonly failing: number
}

export type DeliveryWorker = RunningWorker & {
  readonly figures: DeliveryFigures
  /** Whether a provider is handed orders, and asked how they stand. */
  breakersOf(provider: string): Readonly<Record<Line, BreakerState>>
}

type Line = 'submit' | 'look'

/** Chunks of one provider at once: while one waits for its answers, the next is taken. */
const RUNS_MAX: Readonly<Record<Line, number>> = { submit: 3, look: 2 }
/** How many orders are handed over in a chunk. */
const CHUNK = 200
const CHUNK_MIN = 10
/** Where a repeat would be a second delivery: what a killed process had in hand is unconfirmed. */
const CHUNK_AT_RISK = 20
const TICK_MS = 250
const IDLE_TICK_MAX_MS = 1_000
/** When an order is looked at again; where a provider is behind later, up to half a minute. */
const LOOK_MIN_MS = 2_000
const LOOK_MIN_BUSY_MS = 15_000
const LOOK_MIN_BEHIND_MS = 30_000
const LOOK_MAX_MS = 45_000
const RECHECK_EVERY_MS = 1_000
const STRANGERS_EVERY_MS = 60_000

/**
 * Hands orders to their providers and follows them to their end. Any number of workers share the
 * orders. Each provider has a line of orders to hand over and one of deliveries to follow, each
 * worked off in chunks, a few at once: a provider that is slow holds up nobody else.
 */
export function startDeliveryWorker(deps: DeliveryWorkerDeps): DeliveryWorker {
  return new Dispatcher(deps).start()
}

class Dispatcher {
  readonly #deps: Delivering
  readonly #runs = new Map<string, number>()
  readonly #running = new Set<Promise<void>>()
  readonly #lookMinMs = new Map<string, number>()
  readonly #chunks = new Map<string, number>()
  readonly #doneAtMs = new Map<string, number>()
  #stopping = false
  #tickMs = TICK_MS
  #handedOver = 0
  #looked = 0

  constructor(deps: DeliveryWorkerDeps) {
    this.#deps = {
      funnel: deps.funnel,
      drivers: deps.drivers,
      log: deps.log,
      busy: () => deps.busy(),
      submits: new CircuitBreaker(),
      looks: new CircuitBreaker(),
      policyOf: (provider) => deps.policyOf(provider),
      isStopping: () => this.#stopping,
    }
  }

  start(): DeliveryWorker {
    const step = () => this.#step()
    const loop = startWorkerLoop({ name: 'delivery', log: this.#deps.log, step })
    const self = this
    return {
      async stop() {
        self.#stopping = true
        await loop.stop()
        await Promise.all(self.#running)
      },
      get figures() {
        return self.#figures()
      },
      breakersOf: (provider) => ({
        submit: self.#deps.submits.state(provider),
        look: self.#deps.looks.state(provider),
      }),
    }
  }

  #figures(): DeliveryFigures {
    return {
      handedOver: this.#handedOver,
      looked: this.#looked,
      inFlight: this.#running.size,
      failing: this.#deps.submits.failing + this.#deps.looks.failing,
    }
  }

  /** Begins what is due and has room. */
  async #step(): Promise<number> {
    const { funnel, drivers } = this.#deps
    const { db } = funnel.database
    const now = funnel.clock.now()
    const known = [...drivers.keys()]
    const lines = await readDueLines(db, { now, providers: known })
    for (const line of lines) this.#begin(line)
    await this.#every('rechecks', RECHECK_EVERY_MS, () => recheckDeliveries(this.#deps))
    await this.#every('strangers', STRANGERS_EVERY_MS, async () => {
      const providers = await readStrangers(db, { now, known })
      if (providers.length > 0)
        this.#deps.log.warn({ providers }, 'no driver delivers these orders')
    })
    const idle = lines.length === 0
    this.#tickMs = idle ? Math.min(this.#tickMs * 2, IDLE_TICK_MAX_MS) : TICK_MS
    return this.#tickMs
  }

  async #every(name: string, everyMs: number, work: () => Promise<unknown>): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - (this.#doneAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < everyMs) return
    this.#doneAtMs.set(name, nowMs)
    await work()
  }

  #begin({ provider, submit, look }: DueLine): void {
    const { submits, looks } = this.#deps
    if (submit) this.#run('submit', provider, submits.state(provider) === 'closed')
    // Who cannot be asked is left alone; orders to hand over may go elsewhere meanwhile.
    const state = looks.state(provider)
    if (look && state !== 'open') this.#run('look', provider, state === 'closed')
  }

  #run(line: Line, provider: string, isWell: boolean): void {
    const name = nameOf(line, provider)
    const runs = this.#runs.get(name) ?? 0
    if (runs >= (isWell && !this.#deps.busy() ? RUNS_MAX[line] : 1)) return
    this.#runs.set(name, runs + 1)
    const running = this.#workOff(line, provider)
      .catch((err: unknown) => {
        this.#deps.log.warn({ worker: 'delivery', line, provider, err }, 'a chunk failed')
      })
      .finally(() => {
        this.#runs.set(name, (this.#runs.get(name) ?? 1) - 1)
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  /** One chunk after another, while they are full. */
  async #workOff(line: Line, provider: string): Promise<void> {
    for (;;) {
      const { full, ownMs } = await (line === 'submit'
        ? this.#handOver(provider)
        : this.#follow(provider))
      // Of several of a line one goes on while customers are waiting.
      if (this.#deps.busy() && (this.#runs.get(nameOf(line, provider)) ?? 1) > 1) return
      const { busy, isStopping } = this.#deps
      await restWhileBusy({ workMs: ownMs, sharers: this.#running.size, busy, isStopping })
      if (!full || this.#stopping || !this.#isWell(line, provider)) return
    }
  }

  #isWell(line: Line, provider: string): boolean {
    const breaker = line === 'submit' ? this.#deps.submits : this.#deps.looks
    return breaker.state(provider) === 'closed'
  }

  /** Whoever takes few of a chunk in its time is handed smaller ones. */
  async #handOver(provider: string) {
    const isWell = this.#isWell('submit', provider)
    const isRepeatable = this.#deps.drivers.get(provider)?.isIdempotent === true
    const most = isRepeatable || !isWell ? CHUNK : CHUNK_AT_RISK
    const limit = isWell ? Math.min(this.#chunks.get(provider) ?? CHUNK, most) : most
    const chunk = await handOver(this.#deps, { provider, limit })
    this.#handedOver += chunk.settled
    const isSlow = chunk.full && chunk.settled < limit / 2
    const next = isSlow ? Math.max(chunk.settled * 2, CHUNK_MIN) : Math.min(limit * 2, CHUNK)
    if (isWell) this.#chunks.set(provider, next)
    return chunk
  }

  /** Where more is due than is looked at, deliveries are looked at less often. */
  async #follow(provider: string) {
    const leastMs = this.#lookMinMs.get(provider) ?? LOOK_MIN_MS
    const busyMs = this.#deps.busy() ? LOOK_MIN_BUSY_MS : LOOK_MIN_MS
    const isSilent = this.#deps.drivers.get(provider)?.isSilent === true
    const pace = isSilent
      ? { leastMs: NEVER_MS, mostMs: NEVER_MS }
      : { leastMs: Math.max(leastMs, busyMs), mostMs: LOOK_MAX_MS }
    const chunk = await followDeliveries(this.#deps, { provider, pace })
    this.#looked += chunk.taken
    const nextMs = chunk.full ? leastMs * 2 : leastMs / 2
    this.#lookMinMs.set(provider, Math.min(Math.max(nextMs, LOOK_MIN_MS), LOOK_MIN_BEHIND_MS))
    return chunk
  }
}

function nameOf(line: Line, provider: string): string {
  return `${line} ${provider}`
}
