import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '../../execute.ts'
import { effectKeyOf, findEffect } from '../../execute-batch.ts'
import type { Effect } from '../../operation.ts'
import { followPayment } from './follow-payment.ts'
import type { PaymentDeps, PayResult, PaySelection } from './payment.ts'
import { PaymentReads } from './payment-reads.ts'
import { PaymentSteps } from './payment-steps.ts'
import { readStandings } from './payment-store.ts'
import { type Reservation, reservePayments } from './reserve-payments.ts'

/** How long a caller waits for a provider, a gateway, or somebody else who is paying. */
const PATIENCE_MS = 10_000
const WAIT_STEP_MS = 20
const WAIT_STEP_MAX_MS = 250

/** How a caller asks, besides what it asks for. */
export interface PayTerms {
  /** What a repeat under the key has to be the same in, where that is not the selection. */
  readonly asked?: unknown
  /** For work that comes again by itself: nobody is waited for, and everybody asked once. */
  readonly once?: boolean
  /** Whether only what is still due to be paid by itself is paid; else it is `left_out`. */
  readonly onlyDue?: boolean
}

type Paid = Effect<readonly PayResult[]>

/**
 * Pays purchases, in three steps: the money is set aside in one commit, the provider is asked
 * outside any transaction, and in another commit the hold is settled, or released where the
 * provider refuses for good. What is not known stays held, and is asked again until it is: by
 * this process for ten seconds, then by whoever finds it due. So a process may die after any step.
 * Many callers share the commits and the provider's calls; each purchase is paid once.
 */
export class PaymentDesk {
  readonly deps: PaymentDeps
  readonly steps: PaymentSteps
  readonly reads: PaymentReads
  /** What goes on whether or not its caller still waits. */
  readonly #going = new Set<Promise<unknown>>()

  constructor(deps: PaymentDeps) {
    this.deps = deps
    this.steps = new PaymentSteps(deps)
    this.reads = new PaymentReads(deps.funnel)
  }

  /**
   * Pays all of the selection, or nothing is taken. Answers what became of each, in the order
   * asked; `settling` where that is not known within ten seconds. A repeat under the key gets
   * what became of the first; where that came to nothing, the key is free and it is tried again.
   *
   * Refuses `insufficient_scope`, `not_found`, `invalid_input`, `idempotency_key_invalid`,
   * `idempotency_key_reused`, `unavailable`.
   */
  async pay(call: Call<PaySelection>, terms: PayTerms = {}): Promise<Paid> {
    const once = terms.once ?? false
    const untilMs = performance.now() + (once ? 0 : PATIENCE_MS)
    const purchaseIds = [...new Set(call.input.purchaseIds)]
    for (;;) {
      const { output } = await this.steps.reserve({
        ...call,
        input: {
          selection: { ...call.input, purchaseIds },
          asked: terms.asked,
          patient: !once && performance.now() < untilMs,
          onlyDue: terms.onlyDue ?? false,
        },
      })
      const going = this.#goOn(call, output, { untilMs, once })
      if (going !== undefined) return await going
      await this.#untilFree(purchaseIds, untilMs)
    }
  }

  /** What became of an earlier call under this one's key; undefined where the key is free. */
  async findPaid(call: Call<PaySelection>, terms: PayTerms): Promise<Paid | undefined> {
    if (call.idempotencyKey === null) return undefined
    const input = { selection: call.input, asked: terms.asked, patient: false }
    const { db } = this.deps.funnel.database
    const kept = await findEffect(db, reservePayments, { ...call, input })
    const untilMs = performance.now() + PATIENCE_MS
    return kept && (await this.#goOn(call, kept, { untilMs, once: false }))
  }

  /** Lets `work` go on though nobody may wait for it any more. */
  keepGoing<T>(work: Promise<T>): Promise<T> {
    const ended = work.then(
      () => {},
      () => {},
    )
    this.#going.add(ended)
    void ended.then(() => this.#going.delete(ended))
    return work
  }

  /**
   * Resolves when nothing goes on any more, or after ten seconds: to be waited for before the
   * database is closed. What is left then is gone on with by others, or after the next start.
   */
  async drained(): Promise<void> {
    const timeout = new AbortController()
    const late = pause(PATIENCE_MS, undefined, { signal: timeout.signal }).catch(() => {})
    await Promise.race([Promise.all(this.#going), late])
    timeout.abort()
  }

  /** What comes of a reservation; undefined where somebody else has to be waited for. */
  #goOn(
    call: Call<PaySelection>,
    reservation: Reservation,
    o: { readonly untilMs: number; readonly once: boolean },
  ): Promise<Paid> | undefined {
    const { actor } = call
    const { untilMs } = o
    switch (reservation.kind) {
      case 'decided':
        return Promise.resolve({ output: reservation.results, replayed: false })
      case 'reserved':
        return this.#told(this.steps.finishAll(actor, reservation.purchases, untilMs), call, o)
      case 'charge':
        return this.#told(this.steps.charge(actor, reservation, untilMs), call, o)
      case 'kept': {
        const key = effectKeyOf(call)
        if (key === null) throw new Error('without a key nothing is kept')
        const { db } = this.deps.funnel.database
        return followPayment(db, { kept: reservation, key, untilMs })
      }
      case 'wait':
        return undefined
    }
  }

  /** The outcome of work that goes on, or after a while only that it does. */
  async #told(
    work: Promise<readonly PayResult[]>,
    { input }: Call<PaySelection>,
    o: { readonly untilMs: number; readonly once: boolean },
  ): Promise<Paid> {
    const going = this.keepGoing(work)
    if (o.once) return { output: await going, replayed: false }
    const outcome = { kind: 'settling' } as const
    const timeout = new AbortController()
    const late = pause(Math.max(0, o.untilMs - performance.now()), undefined, {
      signal: timeout.signal,
    })
    late.catch(() => {})
    try {
      const results = await Promise.race([going, late])
      const settling = () => input.purchaseIds.map((purchaseId) => ({ purchaseId, outcome }))
      return { output: results ?? settling(), replayed: false }
    } finally {
      timeout.abort()
    }
  }

  /** Looks, ever less often, whether somebody else is still paying one of these. */
  async #untilFree(ids: readonly bigint[], untilMs: number): Promise<void> {
    const { db } = this.deps.funnel.database
    for (let stepMs = WAIT_STEP_MS; ; stepMs = Math.min(stepMs * 1.5, WAIT_STEP_MAX_MS)) {
      await pause(stepMs)
      const standings = await readStandings(db, ids)
      const busy = standings.some(({ state, charging }) => charging || state === 'processing')
      if (!busy || performance.now() >= untilMs) return
    }
  }
}
