const FIRST_PAUSE_MS = 1_000
const PAUSE_MAX_MS = 60_000

interface Failing {
  readonly sinceMs: number
  readonly pauses: number
  readonly untilMs: number
}

export type BreakerState = 'closed' | 'open' | 'trial'

/**
 * Which providers are left alone, and until when. One that fails is not asked for a while, twice
 * as long each time, up to a minute; then it is tried with little, until that succeeds.
 */
export class CircuitBreaker {
  readonly #failing = new Map<string, Failing>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** closed: ask it. open: leave it alone. trial: see whether it works again. */
  state(provider: string): BreakerState {
    const failing = this.#failing.get(provider)
    if (failing === undefined) return 'closed'
    return failing.untilMs > this.#nowMs() ? 'open' : 'trial'
  }

  /** For how long it is still left alone. */
  leftMs(provider: string): number {
    return Math.max(0, (this.#failing.get(provider)?.untilMs ?? 0) - this.#nowMs())
  }

  /** Since when nothing has succeeded; 0: it works. */
  failingForMs(provider: string): number {
    const failing = this.#failing.get(provider)
    return failing === undefined ? 0 : this.#nowMs() - failing.sinceMs
  }

  /** How many do not work. */
  get failing(): number {
    return this.#failing.size
  }

  /**
   * Those asked at once fail at once, which counts once. `leastMs`: as it asks for itself;
   * `mostMs`: where it is there, and only takes nothing now.
   */
  failed(provider: string, o: { leastMs?: number; mostMs?: number } = {}): void {
    const { leastMs = 0, mostMs = PAUSE_MAX_MS } = o
    const nowMs = this.#nowMs()
    const before = this.#failing.get(provider)
    const again = before === undefined || before.untilMs <= nowMs
    const pauses = (before?.pauses ?? 0) + (again ? 1 : 0)
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (pauses - 1), mostMs)
    const untilMs = again ? nowMs + pauseMs : before.untilMs
    this.#failing.set(provider, {
      sinceMs: before?.sinceMs ?? nowMs,
      pauses,
      untilMs: Math.max(untilMs, nowMs + Math.min(leastMs, PAUSE_MAX_MS)),
    })
  }

  succeeded(provider: string): void {
    this.#failing.delete(provider)
  }
}
