import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { amountInWords, amountText } from './crownpanel-amounts.ts'

test('two decimals, rounded half away from zero', () => {
  const table: readonly (readonly [bigint, string])[] = [
    [0n, '0.00'],
    [5_000_000n, '5.00'],
    [5_500_000n, '5.50'],
    [4_999n, '0.00'],
    [5_000n, '0.01'],
    [-4_999n, '0.00'],
    [-5_000n, '-0.01'],
    [100_842_920n, '100.84'],
    [2_345_000n, '2.35'],
    [-2_345_000n, '-2.35'],
    [-278_190n, '-0.28'],
    [9_000_000_000_000_000_000n, '9000000000000.00'],
  ]
  for (const [micros, text] of table) assert.equal(amountText(micros), text)
})

test('what is shown is never further than half a hundredth from what is', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (micros) => {
      const shown = BigInt(amountText(micros).replace('.', '')) * 10_000n
      const away = shown > micros ? shown - micros : micros - shown
      assert.ok(away <= 5_000n)
      assert.equal(amountText(-micros).replace('-', ''), amountText(micros).replace('-', ''))
    }),
  )
})

test('an amount within a sentence has its sign, and no decimals that say nothing', () => {
  const table: readonly (readonly [bigint, string, string])[] = [
    [5_000_000n, 'USD', '$5'],
    [5_500_000n, 'USD', '$5.50'],
    [5_000_000n, 'EUR', '€5'],
    [5_000_000n, 'SEK', '5 SEK'],
    [5_500_000n, 'SEK', '5.50 SEK'],
    [500_000_000n, 'JPY', '¥500'],
    [1_234_500n, 'KWD', '1.23 KWD'],
    [1_235_000n, 'KWD', '1.24 KWD'],
    [100_000_000n, 'BGN', '100 BGN'],
  ]
  for (const [micros, currency, text] of table) {
    assert.equal(amountInWords(micros, currency), text)
  }
})
