import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AMOUNT_MAX, formatAmount, parseAmount } from '../../lib/money.ts'
import { chargeFor, discountedRate } from './charge.ts'
import { refundOnEntering } from './order.ts'

const PPM = 1_000_000n
/** Rates as a currency of 0, 2 or 3 decimals writes them, and finer ones. */
const rates = fc
  .tuple(fc.constantFrom(0, 2, 3, 6), fc.bigInt({ min: 1n, max: 10n ** 9n }))
  .map(([decimals, minor]) => minor * 10n ** BigInt(6 - decimals))
const quantities = fc.bigInt({ min: 1n, max: 10n ** 9n })
const discounts = fc.integer({ min: 0, max: 1_000_000 })
const orders = fc.record({ rate: rates, quantity: quantities, discountPpm: discounts })

test('the source page: 0.90 for 1000 is 0.045 for 50, and 10 % off 1.00 is 0.90', () => {
  const charged = chargeFor({ rate: 900_000n, quantity: 50n, discountPpm: 0 })
  assert.deepEqual(charged, { listChargeMicros: 45_000n, chargeMicros: 45_000n })
  const discounted = chargeFor({ rate: 1_000_000n, quantity: 1000n, discountPpm: 100_000 })
  assert.deepEqual(discounted, { listChargeMicros: 1_000_000n, chargeMicros: 900_000n })
})

test('a charge is the exact price rounded up once, discount included', () => {
  fc.assert(
    fc.property(orders, (order) => {
      const { listChargeMicros, chargeMicros } = chargeFor(order)
      const list = order.rate * order.quantity
      const net = list * (PPM - BigInt(order.discountPpm))
      assert.ok(listChargeMicros * 1000n >= list && listChargeMicros * 1000n - list < 1000n)
      const unit = 1000n * PPM
      assert.ok(chargeMicros * unit >= net && chargeMicros * unit - net < unit)
    }),
  )
})

test('a discount never makes an order dearer, and all of it makes it free', () => {
  fc.assert(
    fc.property(orders, (order) => {
      const { listChargeMicros, chargeMicros } = chargeFor(order)
      assert.ok(chargeMicros >= 0n && chargeMicros <= listChargeMicros)
      assert.equal(chargeFor({ ...order, discountPpm: 0 }).chargeMicros, listChargeMicros)
      assert.equal(chargeFor({ ...order, discountPpm: 1_000_000 }).chargeMicros, 0n)
    }),
  )
})

test('more costs no less, and splitting an order never saves', () => {
  fc.assert(
    fc.property(orders, quantities, (order, more) => {
      const one = chargeFor(order).chargeMicros
      const other = chargeFor({ ...order, quantity: more }).chargeMicros
      const both = chargeFor({ ...order, quantity: order.quantity + more }).chargeMicros
      assert.ok(both >= one && both >= other && both <= one + other)
    }),
  )
})

test('the rate shown is exact, and prices 1000 as they are charged', () => {
  fc.assert(
    fc.property(rates, discounts, (rate, discountPpm) => {
      const { value, decimals } = discountedRate(rate, discountPpm)
      assert.equal(decimals, 12)
      const { chargeMicros } = chargeFor({ rate, quantity: 1000n, discountPpm })
      assert.ok(chargeMicros * PPM >= value && chargeMicros * PPM - value < PPM)
    }),
  )
})

test('undelivered shares together never give back more than was charged', () => {
  fc.assert(
    fc.property(orders, fc.bigInt({ min: 0n, max: 10n ** 9n }), (order, part) => {
      const charge = chargeFor(order).chargeMicros
      const remains = part % (order.quantity + 1n)
      const money = { quantity: order.quantity, charge, refunded: 0n }
      const refund = refundOnEntering('partial', money, remains)
      const rest = refundOnEntering('partial', money, order.quantity - remains)
      assert.ok(refund >= 0n && refund <= charge && refund + rest <= charge)
      const failed = refundOnEntering('failed', { ...money, refunded: refund }, 0n)
      assert.equal(refund + failed, charge)
    }),
  )
})

test('original price, discount and final price add up as texts', () => {
  fc.assert(
    fc.property(orders, (order) => {
      const { listChargeMicros, chargeMicros } = chargeFor(order)
      fc.pre(listChargeMicros <= AMOUNT_MAX)
      const texts = [listChargeMicros, listChargeMicros - chargeMicros, chargeMicros].map(
        (micros) => parseAmount(formatAmount(micros, 2)) ?? -1n,
      )
      assert.equal(texts[0], texts[1]! + texts[2]!)
    }),
  )
})
