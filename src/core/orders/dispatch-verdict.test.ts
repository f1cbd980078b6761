import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SubmitAnswer } from './delivery-driver.ts'
import { type DispatchCase, dispatchVerdict } from './dispatch-verdict.ts'

const MINUTE_MS = 60_000
const ORDER: DispatchCase = {
  provider: 'first',
  providers: ['first', 'second', 'third'],
  refusedBy: [],
  askedBefore: false,
  uncertainMs: 0,
  waitedMs: 0,
  isIdempotent: false,
  policy: undefined,
  failingForMs: 0,
  isAble: () => true,
}
const REFUSED = { kind: 'refused', reason: 'no such service' } as const
const LATER = { kind: 'later', reason: 'busy', afterMs: null } as const
const UNKNOWN = { kind: 'unknown' } as const
const alone = { ...ORDER, providers: [] }

test('what is taken is taken, whatever was before', () => {
  const accepted = { kind: 'accepted', ref: '7', startCount: 3n } as const
  assert.deepEqual(dispatchVerdict({ ...ORDER, askedBefore: true }, accepted), accepted)
})

test('who refuses is left for the next, and the last refusal gives back', () => {
  assert.deepEqual(dispatchVerdict(ORDER, REFUSED), {
    kind: 'rerouted',
    to: 'second',
    refused: true,
    waitMs: 0,
  })
  const later = { ...ORDER, provider: 'second', refusedBy: ['first'] }
  assert.deepEqual(dispatchVerdict(later, REFUSED), {
    kind: 'rerouted',
    to: 'third',
    refused: true,
    waitMs: 0,
  })
  const last = { ...ORDER, provider: 'third', refusedBy: ['first', 'second'] }
  assert.deepEqual(dispatchVerdict(last, REFUSED), { kind: 'failed', reason: REFUSED.reason })
  assert.deepEqual(dispatchVerdict(alone, REFUSED), { kind: 'failed', reason: REFUSED.reason })
})

test('after a refusal one that was only unable before is asked again', () => {
  const order = { ...ORDER, provider: 'third', refusedBy: ['second'] }
  assert.deepEqual(dispatchVerdict(order, REFUSED), {
    kind: 'rerouted',
    to: 'first',
    refused: true,
    waitMs: 0,
  })
})

test('after a refusal one that works is asked before one that does not', () => {
  const order = { ...ORDER, isAble: (name: string) => name === 'third' }
  assert.deepEqual(dispatchVerdict(order, REFUSED), {
    kind: 'rerouted',
    to: 'third',
    refused: true,
    waitMs: 0,
  })
})

test('who is busy is waited for, for as long as it asks, and left after a minute', () => {
  assert.deepEqual(dispatchVerdict(ORDER, LATER), { kind: 'waits', certain: true, waitMs: 1_000 })
  const asked = { ...LATER, afterMs: 30_000 }
  assert.deepEqual(dispatchVerdict(ORDER, asked), { kind: 'waits', certain: true, waitMs: 30_000 })
  const rerouted = { kind: 'rerouted', to: 'second', refused: false, waitMs: 0 }
  assert.deepEqual(dispatchVerdict({ ...ORDER, waitedMs: MINUTE_MS }, LATER), rerouted)
  assert.deepEqual(dispatchVerdict({ ...ORDER, failingForMs: MINUTE_MS }, LATER), rerouted)
  const unable = { ...ORDER, waitedMs: 20 * MINUTE_MS, isAble: () => false }
  assert.deepEqual(dispatchVerdict(unable, LATER), { kind: 'waits', certain: true, waitMs: 60_000 })
})

test('those who take the orders of others hand one on ever more slowly, and give it back', () => {
  const policy = { whenFailing: 'refund', refundAfterMinutes: 10 } as const
  const waits: number[] = []
  let order: DispatchCase = {
    ...ORDER,
    providers: ['first', 'second'],
    waitedMs: MINUTE_MS,
    policy,
  }
  for (;;) {
    const verdict = dispatchVerdict(order, LATER)
    if (verdict.kind !== 'rerouted') {
      assert.equal(verdict.kind, 'failed')
      break
    }
    waits.push(verdict.waitMs)
    assert.ok(waits.length < 100, 'it is handed on for ever')
    order = { ...order, provider: verdict.to, waitedMs: order.waitedMs + verdict.waitMs + 250 }
  }
  assert.ok(order.waitedMs >= 11 * MINUTE_MS && order.waitedMs < 12.5 * MINUTE_MS)
  assert.deepEqual([waits[0], waits.at(-1)], [0, 60_000])
})

test('what nobody can take is given back after a while where the operator says so', () => {
  const policy = { whenFailing: 'refund', refundAfterMinutes: 10 } as const
  const order = { ...ORDER, isAble: () => false, policy }
  assert.equal(dispatchVerdict({ ...order, waitedMs: 9 * MINUTE_MS }, LATER).kind, 'waits')
  assert.equal(dispatchVerdict({ ...order, waitedMs: 10 * MINUTE_MS }, LATER).kind, 'failed')
})

test('a lost answer leaves it unconfirmed, unless a repeat would be known', () => {
  assert.deepEqual(dispatchVerdict(ORDER, UNKNOWN), { kind: 'unconfirmed' })
  const known = { ...ORDER, isIdempotent: true }
  assert.deepEqual(dispatchVerdict(known, UNKNOWN), {
    kind: 'waits',
    certain: false,
    waitMs: 1_000,
  })
})

test('after a lost answer "later" is not certain', () => {
  const order = { ...ORDER, isIdempotent: true, askedBefore: true, waitedMs: 20 * MINUTE_MS }
  assert.deepEqual(dispatchVerdict(order, LATER), { kind: 'waits', certain: false, waitMs: 60_000 })
  const overdue = { ...order, policy: { whenFailing: 'refund', refundAfterMinutes: 1 } } as const
  assert.deepEqual(dispatchVerdict(overdue, LATER), { kind: 'unconfirmed' })
  assert.deepEqual(dispatchVerdict({ ...order, isIdempotent: false }, LATER), {
    kind: 'unconfirmed',
  })
})

test('who never says whether he has an order is asked for three days', () => {
  const order = { ...ORDER, isIdempotent: true, askedBefore: true }
  const days = (count: number) => ({ ...order, uncertainMs: count * 1_440 * MINUTE_MS })
  assert.equal(dispatchVerdict(days(2), UNKNOWN).kind, 'waits')
  assert.deepEqual(dispatchVerdict(days(3), UNKNOWN), { kind: 'unconfirmed' })
  assert.deepEqual(dispatchVerdict(days(3), LATER), { kind: 'unconfirmed' })
})

test('nothing that may have arrived is given back or handed to another but on a refusal', () => {
  const answers = fc.constantFrom<SubmitAnswer>(LATER, UNKNOWN)
  const cases = fc.record({
    askedBefore: fc.boolean(),
    isIdempotent: fc.boolean(),
    waitedMs: fc.nat(200 * MINUTE_MS),
    failingForMs: fc.nat(200 * MINUTE_MS),
    policy: fc.record({
      whenFailing: fc.constantFrom('wait', 'refund'),
      refundAfterMinutes: fc.nat(100),
    }),
  })
  fc.assert(
    fc.property(cases, answers, (of, answer) => {
      const verdict = dispatchVerdict({ ...ORDER, ...of }, answer)
      const mayHaveArrived = of.askedBefore || answer.kind === 'unknown'
      if (!mayHaveArrived) return
      assert.ok(verdict.kind === 'unconfirmed' || (verdict.kind === 'waits' && !verdict.certain))
      if (!of.isIdempotent) assert.equal(verdict.kind, 'unconfirmed')
    }),
  )
})
