/** A provider that answers as a test tells it to, and keeps what it has taken. */
import type {
  CancelAnswer,
  DeliveryDriver,
  DeliveryStatus,
  SubmitAnswer,
} from '../../src/core/orders/delivery-driver.ts'

type Known = Extract<DeliveryStatus, { kind: 'known' }>

export interface ScriptedProvider {
  readonly driver: DeliveryDriver
  /** How often it was handed each order, and what it has taken: refs by order. */
  readonly asked: ReadonlyMap<bigint, number>
  readonly taken: ReadonlyMap<bigint, readonly string[]>
  /** The most refs that one look asked for. */
  readonly mostLooked: number
  /**
   * How it answers from now on: `take` takes orders, `lose` takes them and its answer is lost,
   * `hang` takes none and answers once `release` is called; else as given, for each.
   */
  script: 'take' | 'lose' | 'hang' | SubmitAnswer
  release(): void
  /** What every order is called from now on; null: each by a number of its own. */
  nextRef: string | null
  report(ref: string, standing: Partial<Known>): void
}

export function scriptedProvider(
  name: string,
  o: { isIdempotent?: boolean; revises?: boolean } = {},
): ScriptedProvider {
  const asked = new Map<bigint, number>()
  const taken = new Map<bigint, string[]>()
  const standings = new Map<string, Known>()
  const gate = Promise.withResolvers<void>()
  const take = (orderId: bigint, quantity: bigint): SubmitAnswer => {
    const before = taken.get(orderId) ?? []
    const first = before[0]
    if (o.isIdempotent && first !== undefined) {
      return { kind: 'accepted', ref: first, startCount: null }
    }
    const ref = provider.nextRef ?? `${name}-${orderId}-${before.length}`
    taken.set(orderId, [...before, ref])
    standings.set(ref, { kind: 'known', state: 'pending', startCount: null, remains: quantity })
    return { kind: 'accepted', ref, startCount: null }
  }
  const driver: DeliveryDriver = {
    isIdempotent: o.isIdempotent ?? false,
    revises: o.revises ?? false,
    async submit(orders) {
      const answers = new Map<bigint, SubmitAnswer>()
      for (const { orderId } of orders) asked.set(orderId, (asked.get(orderId) ?? 0) + 1)
      const { script } = provider
      if (script === 'hang') await gate.promise
      for (const { orderId, quantity } of orders) {
        const takes = script === 'take' || script === 'lose'
        answers.set(orderId, takes ? take(orderId, quantity) : asAnswer(script))
      }
      if (script === 'lose') throw new Error('the connection was cut')
      return answers
    },
    async status(refs) {
      provider.mostLooked = Math.max(provider.mostLooked, refs.length)
      return new Map(refs.map((ref) => [ref, standings.get(ref) ?? ({ kind: 'unknown' } as const)]))
    },
    cancel: async (refs) => new Map(refs.map((ref) => [ref, NO])),
    refill: async (refills) => refills.map(() => NO),
    refillStatus: async () => new Map(),
  }
  const provider = {
    driver,
    asked,
    taken,
    mostLooked: 0,
    script: 'take' as ScriptedProvider['script'],
    nextRef: null as string | null,
    release: () => gate.resolve(),
    report(ref: string, standing: Partial<Known>) {
      const before = standings.get(ref)
      if (before === undefined) throw new Error(`${name} has no ${ref}`)
      standings.set(ref, { ...before, ...standing })
    },
  }
  return provider
}

const NO = { kind: 'refused', reason: 'not here' } as const satisfies CancelAnswer

function asAnswer(script: ScriptedProvider['script']): SubmitAnswer {
  return typeof script === 'string' ? { kind: 'later', reason: script, afterMs: null } : script
}
