import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePublicId, publicId, publicIdAt, publicIdOf, uuidV7 } from './ids.ts'

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

test('a public id and the UUID behind it name the same', () => {
  for (let nowMs = 0; nowMs < 100; nowMs++) {
    const uuid = uuidV7(Date.UTC(2026, 10, 21) + nowMs * 86_400_000)
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(parsePublicId('vps', publicIdOf('vps', uuid)), uuid)
  }
  for (const wrong of [
    'vps_',
    'inv_01hxa3b4c5d6e7f8g9h0j1k2m3',
    'vps_91hxa3b4c5d6e7f8g9h0j1k2m3',
    '17',
  ]) {
    assert.equal(parsePublicId('vps', wrong), undefined)
  }
  const known = '018f5432-dca5-6a3c-7f89-8801220a6283'
  assert.equal(parsePublicId('vps', publicIdOf('vps', known)), known)
})

test('the id of a numbered row is one, always the same, and later rows sort later', () => {
  const instant = fc.integer({ min: 0, max: LAST_MS }).map((ms) => new Date(ms))
  const number = fc.bigInt({ min: 1n, max: 2n ** 62n - 1n })
  fc.assert(
    fc.property(instant, number, number, (at, a, b) => {
      const id = publicIdAt('req', { at, number: a })
      assert.match(id, SHAPE)
      assert.equal(id, publicIdAt('req', { at, number: a }))
      assert.match(parsePublicId('req', id) ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7000-[89ab]/)
      assert.equal(id < publicIdAt('req', { at, number: b }), a < b)
    }),
  )
})
