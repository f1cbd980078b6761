import { Refusal } from './refusal.ts'

/**
 * Answers many small look-ups with few queries: keys that arrive while `inFlightMax` queries are
 * out go together into the next one. Nothing is kept, so an answer is never older than the
 * request. Bounded: refuses `unavailable` when too much waits.
 */
export class Coalescer<Key, Value> {
  readonly #load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>
  readonly #batchMax: number
  readonly #waitingMax: number
  readonly #inFlightMax: number
  #waiting: Waiting<Key, Value>[] = []
  #inFlight = 0

  constructor(
    load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
    o: { batchMax: number; waitingMax: number; inFlightMax: number },
  ) {
    this.#load = load
    this.#batchMax = o.batchMax
    this.#waitingMax = o.waitingMax
    this.#inFlightMax = o.inFlightMax
  }

  get(key: Key): Promise<Value | undefined> {
    if (this.#waiting.length >= this.#waitingMax) {
      return Promise.reject(new Refusal('unavailable', { retryAfterSeconds: 1 }))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject })
      if (this.#inFlight < this.#inFlightMax) this.#start()
    })
  }

  #start(): void {
    this.#inFlight++
    // Requests that arrive in the same turn of the event loop share the query.
    setImmediate(() => {
      const batch = this.#waiting.splice(0, this.#batchMax)
      if (batch.length === 0) {
        this.#inFlight--
        return
      }
      this.#load(batch.map((item) => item.key))
        .then(
          (found) => {
            for (const item of batch) item.resolve(found.get(item.key))
          },
          (error: unknown) => {
            for (const item of batch) item.reject(error)
          },
        )
        .finally(() => {
          this.#inFlight--
          if (this.#waiting.length > 0 && this.#inFlight < this.#inFlightMax) this.#start()
        })
    })
  }
}

interface Waiting<Key, Value> {
  readonly key: Key
  readonly resolve: (value: Value | undefined) => void
  readonly reject: (error: unknown) => void
}
