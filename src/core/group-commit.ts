import type { Call, Funnel } from './execute.ts'
import { type BatchOperation, effectKeyOf, executeBatch, keyText } from './execute-batch.ts'
import type { Effect } from './operation.ts'
import { Refusal } from './refusal.ts'

export interface GroupLimits {
  readonly batchMax: number
  readonly queueMax: number
  readonly inFlightMax: number
}

const LIMITS: GroupLimits = { batchMax: 125, queueMax: 8_000, inFlightMax: 2 }

interface Waiting<Input, Output> {
  readonly call: Call<Input>
  /** By which a repeat is told from its first; null: without a key. */
  readonly key: string | null
  readonly resolve: (effect: Effect<Output>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit for a batch operation: calls that arrive while a commit is in flight go together
 * into the next one. No timer, no added wait at low load. Queue and batch are bounded; a full
 * queue refuses `unavailable`. A repeat of a key waits until its first has been committed.
 */
export class GroupCommit<Input, Output> {
  readonly #funnel: Funnel
  readonly #operation: BatchOperation<Input, Output>
  readonly #limits: GroupLimits
  #queue: Waiting<Input, Output>[] = []
  #inFlight = 0

  constructor(
    funnel: Funnel,
    operation: BatchOperation<Input, Output>,
    limits: GroupLimits = LIMITS,
  ) {
    this.#funnel = funnel
    this.#operation = operation
    this.#limits = limits
  }

  /** Resolves once the call's effect is durable; rejects with its refusal. */
  async execute(call: Call<Input>): Promise<Effect<Output>> {
    const key = effectKeyOf(call)
    if (this.#queue.length >= this.#limits.queueMax) {
      throw new Refusal('unavailable', { retryAfterSeconds: 1 })
    }
    return await new Promise((resolve, reject) => {
      this.#queue.push({ call, key: key && keyText(key), resolve, reject })
      if (this.#inFlight < this.#limits.inFlightMax) this.#start()
    })
  }

  #start(): void {
    this.#inFlight++
    // Calls that arrive in the same turn of the event loop share the commit.
    setImmediate(() => {
      const batch = this.#takeBatch()
      this.#commit(batch)
        .catch((error: unknown) => {
          for (const { reject } of batch) reject(error)
        })
        .finally(() => {
          this.#inFlight--
          if (this.#queue.length > 0 && this.#inFlight < this.#limits.inFlightMax) this.#start()
        })
    })
  }

  /** The next batch: a key at most once, so that a repeat finds what its first has kept. */
  #takeBatch(): Waiting<Input, Output>[] {
    const batch: Waiting<Input, Output>[] = []
    const left: Waiting<Input, Output>[] = []
    const keys = new Set<string>()
    for (const waiting of this.#queue) {
      const { key } = waiting
      if (batch.length === this.#limits.batchMax || (key !== null && keys.has(key))) {
        left.push(waiting)
      } else {
        if (key !== null) keys.add(key)
        batch.push(waiting)
      }
    }
    this.#queue = left
    return batch
  }

  async #commit(batch: readonly Waiting<Input, Output>[]): Promise<void> {
    if (batch.length === 0) return
    const outcomes = await executeBatch(
      this.#funnel,
      this.#operation,
      batch.map(({ call }) => call),
    )
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index]!
      if (outcome.status === 'fulfilled') resolve(outcome.value)
      else reject(outcome.reason)
    }
  }
}
