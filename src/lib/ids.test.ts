import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { publicId } from './ids.ts'

const SHAPE = /^req_[0-7][0-9a-hjkmnp-tv-z]{25}$/
const LAST_MS = 2 ** 48 - 1

test('an id is its prefix and 26 characters, at every instant', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LAST_MS }), (nowMs) => {
      assert.match(publicId('req', nowMs), SHAPE)
    }),
  )
})

test('ids of a later millisecond sort later', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: LAST_MS }),
      fc.integer({ min: 0, max: LAST_MS }),
      (a, b) => {
        fc.pre(a !== b)
        assert.equal(publicId('x', a) < publicId('x', b), a < b)
      },
    ),
  )
})

test('ids of one millisecond differ, past what is drawn from the system at once', () => {
  const ids = new Set(Array.from({ length: 5_000 }, () => publicId('x', 1)))
  assert.equal(ids.size, 5_000)
})
