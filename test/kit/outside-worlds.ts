/** A provider of servers and a gateway for cards that do as a test says; what they did is kept. */
import type {
  CardGateway,
  ChargeAnswer,
  ChargeRequest,
} from '../../src/core/billing/paying/card-gateway.ts'
import type {
  ComputeAnswer,
  ComputeDriver,
  ExtendRequest,
  ServerStatus,
} from '../../src/core/servers/compute-driver.ts'

/**
 * What one asking comes to. `lose`: it was done, and the answer was lost. `fail`: neither.
 * `forget`: nothing was done, and the answer leaves it out.
 */
export type Behaviour = 'do' | 'refuse' | 'lose' | 'fail' | 'forget'

/** Every server may be renewed until whenever, unless the test says otherwise of it. */
export class Provider implements ComputeDriver {
  /** Until when each server runs, by ref: an instant once for each time that it has moved. */
  readonly extended = new Map<string, string[]>()
  /** How servers' next askings come out, by ref; then `behaviour`. */
  readonly next = new Map<string, Behaviour[]>()
  behaviour: (request: ExtendRequest) => Behaviour = () => 'do'
  /** What happens when it is asked, before anything is done. */
  beforehand: () => Promise<void> = async () => {}

  async extend(requests: readonly ExtendRequest[]): Promise<ReadonlyMap<string, ComputeAnswer>> {
    await this.beforehand()
    const answers = new Map<string, ComputeAnswer>()
    let fails = false
    for (const request of requests) {
      let behaviour = this.next.get(request.ref)?.shift() ?? this.behaviour(request)
      // What was done stays done, whoever asks again.
      const until = request.until.toISOString()
      if (behaviour === 'refuse' && this.extended.get(request.ref)?.at(-1) === until) {
        behaviour = 'do'
      }
      if (behaviour === 'do' || behaviour === 'lose') this.#extend(request)
      if (behaviour === 'fail') fails = true
      if (behaviour === 'do') answers.set(request.ref, { kind: 'done' })
      if (behaviour === 'lose') answers.set(request.ref, { kind: 'unknown' })
      if (behaviour === 'refuse') {
        answers.set(request.ref, { kind: 'refused', reason: 'The test says so.' })
      }
    }
    if (fails) throw new Error('the provider is away')
    return answers
  }

  #extend({ ref, until }: ExtendRequest): void {
    const moves = this.extended.get(ref) ?? []
    this.extended.set(ref, moves)
    if (moves.at(-1) !== until.toISOString()) moves.push(until.toISOString())
  }

  setSuspended(): Promise<ReadonlyMap<string, ComputeAnswer>> {
    return Promise.resolve(new Map())
  }

  status(): Promise<ReadonlyMap<string, ServerStatus>> {
    return Promise.resolve(new Map())
  }
}

/** Every card has enough, unless the test says otherwise. */
export class Gateway implements CardGateway {
  /** What each charge has taken, by our number. */
  readonly taken = new Map<bigint, bigint>()
  next: Behaviour[] = []
  behaviour: (request: ChargeRequest) => Behaviour = () => 'do'
  /** Waited for after the card was charged and before that is answered. */
  gate: Promise<unknown> = Promise.resolve()
  readonly #declined = new Set<bigint>()

  async charge(request: ChargeRequest): Promise<ChargeAnswer> {
    const { chargeId } = request
    const behaviour = this.next.shift() ?? this.behaviour(request)
    if (behaviour === 'refuse' && !this.taken.has(chargeId)) this.#declined.add(chargeId)
    if (behaviour === 'fail') throw new Error('the gateway is away')
    if (behaviour === 'forget') return { kind: 'unknown' }
    if (this.#declined.has(chargeId)) return { kind: 'declined', reason: 'The test says so.' }
    if (!this.taken.has(chargeId)) this.taken.set(chargeId, request.amountMicros)
    await this.gate
    if (behaviour === 'lose') throw new Error('the answer of the gateway was lost')
    return { kind: 'charged' }
  }

  /** All that it has taken of all cards. */
  get sumMicros(): bigint {
    return [...this.taken.values()].reduce((sum, micros) => sum + micros, 0n)
  }
}
