const FIRST_PAUSE_MS = 1_000
const PAUSE_MAX_MS = 60_000

/** How long each provider that failed is left alone: twice as long each time, up to a minute. */
export class ProviderBackOff {
  readonly #paused = new Map<string, { failures: number; untilMs: number }>()

  /** 0: it may be asked. */
  leftMs(provider: string): number {
    const paused = this.#paused.get(provider)
    return paused === undefined ? 0 : Math.max(0, paused.untilMs - performance.now())
  }

  failed(provider: string): void {
    const failures = (this.#paused.get(provider)?.failures ?? 0) + 1
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), PAUSE_MAX_MS)
    this.#paused.set(provider, { failures, untilMs: performance.now() + pauseMs })
  }

  succeeded(provider: string): void {
    this.#paused.delete(provider)
  }
}
