import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AMOUNT_MAX, formatAmount, parseAmount } from '../../lib/money.ts'
import { refundOnEntering } from '../orders/order.ts'
import { chargeFor, minChargeOf, type PriceTerms, ratesOf, type Scaled } from './charge.ts'

const PPM = 1_000_000n
/** Rates as a currency of 0, 2 or 3 decimals writes them, and finer ones. */
const rates = fc
  .tuple(fc.constantFrom(0, 2, 3, 6), fc.bigInt({ min: 1n, max: 10n ** 9n }))
  .map(([decimals, minor]) => minor * 10n ** BigInt(6 - decimals))
const quantities = fc.bigInt({ min: 1n, max: 10n ** 9n })
const discounts = fc.oneof(fc.constantFrom(0, 1_000_000), fc.integer({ min: 0, max: 1_000_000 }))
const terms = fc.record({
  rate: rates,
  groupDiscountPpm: discounts,
  discountPpm: discounts,
  minChargeMicros: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 10n ** 12n })),
})
const plain = { groupDiscountPpm: 0, discountPpm: 0, minChargeMicros: 0n }

/** The exact price before and after the key's discount, in units of 1 / (1000 × PPM × PPM). */
function exactly(of: PriceTerms, quantity: bigint): { list: bigint; net: bigint; unit: bigint } {
  const price = of.rate * quantity * (PPM - BigInt(of.groupDiscountPpm))
  const least = of.minChargeMicros * 1000n * PPM
  const exact = price < least ? least : price
  return {
    list: exact * PPM,
    net: exact * (PPM - BigInt(of.discountPpm)),
    unit: 1000n * PPM * PPM,
  }
}

/** Whether `micros` is `exact` / `unit`, rounded up. */
function isRoundedUp(micros: bigint, exact: bigint, unit: bigint): boolean {
  return micros * unit >= exact && micros * unit - exact < unit
}

test('the source page: 0.90 for 1000 is 0.045 for 50, and 10 % off 1.00 is 0.90', () => {
  const charged = chargeFor({ ...plain, rate: 900_000n }, 50n)
  assert.deepEqual(charged, { listChargeMicros: 45_000n, chargeMicros: 45_000n })
  const discounted = chargeFor({ ...plain, rate: 1_000_000n, discountPpm: 100_000 }, 1000n)
  assert.deepEqual(discounted, { listChargeMicros: 1_000_000n, chargeMicros: 900_000n })
})

test("a group's discount is in the list price, the key's comes off it", () => {
  const both = { ...plain, rate: 1_000_000n, groupDiscountPpm: 200_000, discountPpm: 100_000 }
  assert.deepEqual(chargeFor(both, 1000n), { listChargeMicros: 800_000n, chargeMicros: 720_000n })
  assert.deepEqual(ratesOf(both), {
    original: { value: 800_000n * PPM, decimals: 12 },
    rate: { value: 720_000n * PPM * PPM, decimals: 18 },
  })
})

test('the least charge stands before the discount of the key', () => {
  const least = { ...plain, rate: 1_000_000n, minChargeMicros: 50_000n }
  assert.equal(chargeFor(least, 10n).chargeMicros, 50_000n)
  assert.equal(chargeFor(least, 50n).chargeMicros, 50_000n)
  assert.equal(chargeFor(least, 51n).chargeMicros, 51_000n)
  const discounted = { ...least, discountPpm: 500_000 }
  assert.deepEqual(chargeFor(discounted, 10n), {
    listChargeMicros: 50_000n,
    chargeMicros: 25_000n,
  })
  assert.deepEqual(minChargeOf(discounted), { value: 25_000n * PPM, decimals: 12 })
})

test('a charge is the exact price rounded up once, discounts included', () => {
  fc.assert(
    fc.property(terms, quantities, (price, quantity) => {
      const { listChargeMicros, chargeMicros } = chargeFor(price, quantity)
      const { list, net, unit } = exactly(price, quantity)
      assert.ok(isRoundedUp(listChargeMicros, list, unit))
      assert.ok(isRoundedUp(chargeMicros, net, unit))
    }),
  )
})

test("a key's discount never makes an order dearer, and all of it makes it free", () => {
  fc.assert(
    fc.property(terms, quantities, (price, quantity) => {
      const { listChargeMicros, chargeMicros } = chargeFor(price, quantity)
      assert.ok(chargeMicros >= 0n && chargeMicros <= listChargeMicros)
      assert.equal(chargeFor({ ...price, discountPpm: 0 }, quantity).chargeMicros, listChargeMicros)
      assert.equal(chargeFor({ ...price, discountPpm: 1_000_000 }, quantity).chargeMicros, 0n)
    }),
  )
})

test('more costs no less, and splitting an order never saves', () => {
  fc.assert(
    fc.property(terms, quantities, quantities, (price, few, more) => {
      const one = chargeFor(price, few).chargeMicros
      const other = chargeFor(price, more).chargeMicros
      const both = chargeFor(price, few + more).chargeMicros
      assert.ok(both >= one && both >= other && both <= one + other)
    }),
  )
})

test('the rates shown are exact, and price 1000 as they are charged', () => {
  const micros = ({ value, decimals }: Scaled) => ({
    exact: value,
    unit: 10n ** BigInt(decimals - 6),
  })
  fc.assert(
    fc.property(terms, (price) => {
      const shown = ratesOf(price)
      const charged = chargeFor({ ...price, minChargeMicros: 0n }, 1000n)
      const original = micros(shown.original)
      assert.ok(isRoundedUp(charged.listChargeMicros, original.exact, original.unit))
      const rate = micros(shown.rate)
      assert.ok(isRoundedUp(charged.chargeMicros, rate.exact, rate.unit))
      const least = micros(minChargeOf(price))
      const atLeast = chargeFor({ ...price, rate: 0n }, 1n).chargeMicros
      assert.ok(isRoundedUp(atLeast, least.exact, least.unit))
    }),
  )
})

test('undelivered shares together never give back more than was charged', () => {
  fc.assert(
    fc.property(
      terms,
      quantities,
      fc.bigInt({ min: 0n, max: 10n ** 9n }),
      (price, quantity, part) => {
        const charge = chargeFor(price, quantity).chargeMicros
        const remains = part % (quantity + 1n)
        const money = { quantity, charge, refunded: 0n }
        const refund = refundOnEntering('partial', money, remains)
        const rest = refundOnEntering('partial', money, quantity - remains)
        assert.ok(refund >= 0n && refund <= charge && refund + rest <= charge)
        const failed = refundOnEntering('failed', { ...money, refunded: refund }, 0n)
        assert.equal(refund + failed, charge)
      },
    ),
  )
})

test('original price, discount and final price add up as texts', () => {
  fc.assert(
    fc.property(terms, quantities, (price, quantity) => {
      const { listChargeMicros, chargeMicros } = chargeFor(price, quantity)
      fc.pre(listChargeMicros <= AMOUNT_MAX)
      const texts = [listChargeMicros, listChargeMicros - chargeMicros, chargeMicros].map(
        (micros) => parseAmount(formatAmount(micros, 2)) ?? -1n,
      )
      assert.equal(texts[0], texts[1]! + texts[2]!)
    }),
  )
})
