import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CircuitBreaker } from './circuit-breaker.ts'

function breakerAt() {
  const time = { ms: 1_000 }
  return { time, breaker: new CircuitBreaker(() => time.ms) }
}

test('a provider that fails is left alone for twice as long each time, up to a minute', () => {
  const { time, breaker } = breakerAt()
  assert.equal(breaker.state('slow'), 'closed')
  const pauses: number[] = []
  for (let n = 0; n < 8; n++) {
    breaker.failed('slow')
    assert.equal(breaker.state('slow'), 'open')
    const leftMs = breaker.leftMs('slow')
    pauses.push(leftMs)
    time.ms += leftMs
    assert.equal(breaker.state('slow'), 'trial')
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  assert.equal(breaker.failingForMs('slow'), 183_000)
  assert.equal(breaker.state('other'), 'closed')
})

test('one that works again is asked like any other', () => {
  const { breaker } = breakerAt()
  breaker.failed('slow')
  assert.equal(breaker.failing, 1)
  breaker.succeeded('slow')
  assert.deepEqual([breaker.state('slow'), breaker.failingForMs('slow')], ['closed', 0])
  assert.equal(breaker.failing, 0)
})

test('those that were asked at once fail once', () => {
  const { breaker } = breakerAt()
  for (let n = 0; n < 5; n++) breaker.failed('slow')
  assert.equal(breaker.leftMs('slow'), 1_000)
})

test('it is left alone for as long as it asks for, and no longer than is of use', () => {
  const { time, breaker } = breakerAt()
  breaker.failed('busy', { leastMs: 30_000 })
  assert.equal(breaker.leftMs('busy'), 30_000)
  breaker.failed('busy', { leastMs: 10 ** 9 })
  assert.equal(breaker.leftMs('busy'), 60_000)
  for (let n = 0; n < 8; n++) {
    breaker.failed('poor', { mostMs: 5_000 })
    time.ms += breaker.leftMs('poor')
  }
  breaker.failed('poor', { mostMs: 5_000 })
  assert.equal(breaker.leftMs('poor'), 5_000)
})
