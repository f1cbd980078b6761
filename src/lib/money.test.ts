import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  AMOUNT_MAX,
  currencyDecimals,
  formatAmount,
  formatScaled,
  isCurrency,
  MICROS_PER_UNIT,
  parseAmount,
  scaleDown,
  scaleUp,
} from './money.ts'

const amounts = fc.bigInt({ min: 0n, max: AMOUNT_MAX })
const decimals = fc.integer({ min: 0, max: 6 })

test('what an amount is written as is read as the same amount', () => {
  fc.assert(
    fc.property(amounts, decimals, (micros, decimalsMin) => {
      const text = formatAmount(micros, decimalsMin)
      assert.equal(parseAmount(text), micros)
      const fraction = text.split('.')[1] ?? ''
      assert.ok(fraction.length >= decimalsMin && fraction.length <= 6, text)
      assert.ok(fraction.length === decimalsMin || !text.endsWith('0'), `${text} is too long`)
    }),
  )
})

test('text that is an amount is written back with the decimals it needs', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 8_999_999_999_999n }),
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 6 }),
      (whole, fraction) => {
        const micros = parseAmount(`${whole}.${fraction}`)
        assert.equal(micros, whole * MICROS_PER_UNIT + BigInt(fraction.padEnd(6, '0')))
        assert.equal(formatAmount(micros ?? -1n, fraction.length), `${whole}.${fraction}`)
      },
    ),
  )
})

test('only plain digits with up to six decimals are an amount', () => {
  const wrong = ['', ' 1', '1 ', '+1', '-1', '1e3', '0x10', '1,5', '.5', '1.', '1.2.3', '1.1234567']
  wrong.push(
    'NaN',
    'Infinity',
    '١٢',
    '１２',
    '1\u00002',
    '1\n',
    '9'.repeat(14),
    '9000000000000.000001',
  )
  for (const text of wrong) assert.equal(parseAmount(text), undefined, JSON.stringify(text))
  assert.equal(parseAmount('9000000000000'), AMOUNT_MAX)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const micros = parseAmount(text)
      assert.equal(micros !== undefined, /^[0-9]{1,13}(\.[0-9]{1,6})?$/.test(text))
    }),
  )
})

test('scaled text is exact at every size, for both signs', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc.integer({ min: 1, max: 18 }),
      fc.integer({ min: 0, max: 18 }),
      (value, scale, least) => {
        const decimalsMin = Math.min(scale, least)
        const text = formatScaled(value, { decimals: scale, decimalsMin })
        const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
        const read = BigInt(`${whole}${fraction.padEnd(scale, '0')}`)
        assert.equal(sign === '-' ? -read : read, value)
        assert.ok(fraction.length >= decimalsMin && fraction.length <= scale)
      },
    ),
  )
})

test('charges round up and refunds down, by less than one millionth', () => {
  const numbers = fc.bigInt({ min: 0n, max: 10n ** 20n })
  fc.assert(
    fc.property(numbers, numbers, fc.bigInt({ min: 1n, max: 10n ** 12n }), (a, b, c) => {
      const up = scaleUp(a, b, c)
      const down = scaleDown(a, b, c)
      assert.ok(down * c <= a * b && a * b - down * c < c)
      assert.ok(up * c >= a * b && up * c - a * b < c)
      assert.equal(up - down, (a * b) % c === 0n ? 0n : 1n)
    }),
  )
})

test('currencies have the decimals of their minor unit', () => {
  for (const [code, expected] of [
    ['USD', 2],
    ['SEK', 2],
    ['JPY', 0],
    ['KWD', 3],
  ] as const) {
    assert.ok(isCurrency(code))
    assert.equal(currencyDecimals(code), expected)
    const least = 10n ** BigInt(6 - expected)
    assert.equal(formatAmount(least, expected).length, expected === 0 ? 1 : expected + 2)
  }
  for (const code of ['', 'usd', 'US', 'USDX', 'ZZZ', '__proto__']) assert.ok(!isCurrency(code))
  assert.throws(() => currencyDecimals('ZZZ'))
})
