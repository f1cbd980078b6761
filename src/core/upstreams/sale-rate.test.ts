import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { saleRate } from './sale-rate.ts'

const NONE = { marginPpm: 0, marginFixedMicros: 0n, roundToMicros: 1n }

test('per cent, a fixed amount, and the multiple that it is rounded up to', () => {
  assert.equal(saleRate(900_000n, NONE), 900_000n)
  assert.equal(saleRate(900_000n, { ...NONE, marginPpm: 250_000 }), 1_125_000n)
  assert.equal(saleRate(900_000n, { ...NONE, marginFixedMicros: 50_000n }), 950_000n)
  assert.equal(saleRate(1n, { ...NONE, marginPpm: 1 }), 2n)
  const cents = { marginPpm: 100_000, marginFixedMicros: 1n, roundToMicros: 10_000n }
  assert.equal(saleRate(900_000n, cents), 1_000_000n)
})

test('it is a multiple, at least what was asked for, and less than one multiple more', () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n })
  fc.assert(
    fc.property(
      amounts,
      fc.nat(10_000_000),
      amounts,
      fc.bigInt({ min: 1n, max: 10n ** 9n }),
      (rate, marginPpm, marginFixedMicros, roundToMicros) => {
        const sold = saleRate(rate, { marginPpm, marginFixedMicros, roundToMicros })
        const exact = rate * BigInt(1_000_000 + marginPpm) + marginFixedMicros * 1_000_000n
        assert.equal(sold % roundToMicros, 0n)
        assert.ok(sold * 1_000_000n >= exact)
        assert.ok((sold - roundToMicros) * 1_000_000n < exact)
      },
    ),
  )
})
