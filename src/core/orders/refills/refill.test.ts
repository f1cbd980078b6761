import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  isOpen,
  lookAfterMs,
  REFILL_STATES,
  type RefillState,
  type RefillWord,
  wholeState,
  workAfter,
} from './refill.ts'

const states = fc.constantFrom(...REFILL_STATES)
const words: fc.Arbitrary<RefillWord> = fc.oneof(
  fc.constant<RefillWord>({ kind: 'accepted', ref: '9' }),
  fc.constant<RefillWord>({ kind: 'refused', reason: 'No' }),
  fc.constant<RefillWord>({ kind: 'later' }),
  fc.constant<RefillWord>({ kind: 'unknown' }),
  states.map((state): RefillWord => ({ kind: 'known', state })),
)

function work(state: RefillState, ref: string | null = null) {
  return { refillId: 1n, orderId: 1n, provider: 'simulated', orderRef: '1', ref, state }
}

test('what has ended stays, and nothing goes back to pending', () => {
  fc.assert(
    fc.property(states, words, fc.boolean(), fc.boolean(), fc.nat(), (state, word, ...rest) => {
      const [wasAsked, isIdempotent, ageMs] = rest
      const after = workAfter(work(state), word, { wasAsked, isIdempotent, ageMs }).state
      if (!isOpen(state)) assert.equal(after, state)
      if (state === 'in_progress') assert.notEqual(after, 'pending')
    }),
  )
})

test('a refusal says nothing of an asking before it that was lost', () => {
  const refused = { kind: 'refused', reason: 'No' } as const
  const after = (wasAsked: boolean, isIdempotent: boolean) =>
    workAfter(work('pending'), refused, { wasAsked, isIdempotent, ageMs: 0 }).state
  assert.deepEqual(
    [after(false, false), after(false, true), after(true, true), after(true, false)],
    ['rejected', 'rejected', 'rejected', 'error'],
  )
})

test('a refill has ended when all its works have', () => {
  fc.assert(
    fc.property(fc.array(states, { minLength: 1 }), (works) => {
      assert.equal(isOpen(wholeState(works)), works.some(isOpen))
      for (const state of REFILL_STATES) {
        if (works.every((each) => each === state)) assert.equal(wholeState(works), state)
      }
    }),
  )
  assert.equal(wholeState(['pending', 'completed']), 'in_progress')
  assert.equal(wholeState(['rejected', 'completed']), 'completed')
  assert.equal(wholeState(['completed', 'error']), 'error')
})

test('the older, the longer until the next look, within bounds', () => {
  assert.deepEqual([0, 40_000, 86_400_000].map(lookAfterMs), [2_000, 10_000, 600_000])
})
