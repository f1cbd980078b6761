import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatAmount, parseAmount } from './money.ts'
import { taxedAmounts } from './tax.ts'

const UNITS = { JPY: 1_000_000n, USD: 10_000n, KWD: 1_000n } as const

const currency = fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]))
const ratePpm = fc.oneof(
  fc.integer({ min: 0, max: 27 }).map((percent) => percent * 10_000),
  fc.integer({ min: 0, max: 270_000 }),
)
const line = fc.record({
  priceMicros: fc.oneof(
    fc.bigInt({ min: 0n, max: 200_000_000n }),
    fc.bigInt({ min: 0n, max: 1_000_000_000_000_000n }),
  ),
  quantity: fc.integer({ min: 1, max: 40 }),
  discountPpm: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000_000 })),
})
const invoice = fc.record({
  currency,
  tax: fc.record({ ratePpm, pricesIncludeTax: fc.boolean() }),
  lines: fc.array(line, { minLength: 1, maxLength: 12 }),
})

/** Whether `rounded` is a / b to the nearest `unit`, a half rounded up. */
function isNearest(rounded: bigint, a: bigint, b: bigint, unit: bigint): boolean {
  const twiceError = 2n * (rounded * b - a)
  return rounded % unit === 0n && -unit * b < twiceError && twiceError <= unit * b
}

describe('lines of any tax and currency', () => {
  it('are whole minor units, none negative, discounted never above listed', () => {
    fc.assert(
      fc.property(invoice, ({ currency, tax, lines }) => {
        for (const one of lines) {
          const amounts = taxedAmounts({ ...one, currency, tax })
          for (const micros of Object.values(amounts)) {
            assert.ok(micros >= 0n)
            assert.equal(micros % UNITS[currency], 0n)
          }
          assert.ok(amounts.netMicros <= amounts.grossMicros)
          assert.ok(amounts.listNetMicros <= amounts.listGrossMicros)
          assert.ok(amounts.netMicros <= amounts.listNetMicros)
          assert.ok(amounts.grossMicros <= amounts.listGrossMicros)
          if (one.discountPpm === 0) assert.equal(amounts.grossMicros, amounts.listGrossMicros)
          if (one.discountPpm === 1_000_000) assert.equal(amounts.grossMicros, 0n)
          if (tax.ratePpm === 0) assert.equal(amounts.netMicros, amounts.grossMicros)
        }
      }),
    )
  })

  it('round half away from zero, once the price and once the tax', () => {
    fc.assert(
      fc.property(invoice, ({ currency, tax, lines }) => {
        const unit = UNITS[currency]
        const rate = BigInt(tax.ratePpm)
        for (const one of lines) {
          const { netMicros, grossMicros } = taxedAmounts({ ...one, currency, tax })
          const base = tax.pricesIncludeTax ? grossMicros : netMicros
          const asked = one.priceMicros * BigInt(one.quantity) * BigInt(1_000_000 - one.discountPpm)
          assert.ok(isNearest(base, asked, 1_000_000n, unit))
          assert.ok(
            tax.pricesIncludeTax
              ? isNearest(netMicros, grossMicros * 1_000_000n, 1_000_000n + rate, unit)
              : isNearest(grossMicros - netMicros, netMicros * rate, 1_000_000n, unit),
          )
        }
      }),
    )
  })

  it('net and tax make gross to the last unit as they are written, line by line and in sums', () => {
    fc.assert(
      fc.property(invoice, ({ currency, tax, lines }) => {
        let [net, taxes, gross] = [0n, 0n, 0n]
        for (const one of lines) {
          const { netMicros, grossMicros } = taxedAmounts({ ...one, currency, tax })
          // By way of the text that an invoice shows, in which nothing may be lost.
          const shown = (micros: bigint) => parseAmount(formatAmount(micros, 2))!
          assert.equal(shown(netMicros) + shown(grossMicros - netMicros), shown(grossMicros))
          net += netMicros
          taxes += grossMicros - netMicros
          gross += grossMicros
        }
        assert.equal(net + taxes, gross)
        assert.equal(gross % UNITS[currency], 0n)
      }),
    )
  })
})

it('examples by hand', () => {
  const of = (o: {
    price: string
    currency: string
    ratePpm: number
    included: boolean
    quantity?: number
    discountPpm?: number
  }) => {
    const amounts = taxedAmounts({
      priceMicros: parseAmount(o.price)!,
      quantity: o.quantity ?? 1,
      discountPpm: o.discountPpm ?? 0,
      currency: o.currency,
      tax: { ratePpm: o.ratePpm, pricesIncludeTax: o.included },
    })
    return [amounts.netMicros, amounts.grossMicros].map((micros) => formatAmount(micros, 0))
  }
  const sofia = { ratePpm: 200_000, included: true }
  assert.deepEqual(of({ price: '5', currency: 'USD', ...sofia }), ['4.17', '5'])
  assert.deepEqual(of({ price: '75', currency: 'BGN', ratePpm: 200_000, included: false }), [
    '75',
    '90',
  ])
  // 0.125 is half a cent more than 0.12, and 25 % of 0.02 half a cent.
  assert.deepEqual(of({ price: '0.125', currency: 'USD', ratePpm: 0, included: false }), [
    '0.13',
    '0.13',
  ])
  assert.deepEqual(of({ price: '0.02', currency: 'USD', ratePpm: 250_000, included: false }), [
    '0.02',
    '0.03',
  ])
  assert.deepEqual(of({ price: '1000', currency: 'JPY', ratePpm: 100_000, included: true }), [
    '909',
    '1000',
  ])
  assert.deepEqual(of({ price: '15', currency: 'JPY', ratePpm: 100_000, included: false }), [
    '15',
    '17',
  ])
  assert.deepEqual(of({ price: '1.2345', currency: 'KWD', ratePpm: 50_000, included: false }), [
    '1.235',
    '1.297',
  ])
  const half = { ...sofia, discountPpm: 500_000 }
  assert.deepEqual(of({ price: '9.99', currency: 'USD', ...half }), ['4.17', '5'])
  assert.deepEqual(of({ price: '1.5', quantity: 3, currency: 'USD', ...sofia }), ['3.75', '4.5'])
})
