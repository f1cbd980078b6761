import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  changeBy,
  isTerminal,
  mayBecome,
  ORDER_STATES,
  type OrderReport,
  type OrderStanding,
  refundOnEntering,
} from './order.ts'

const standing: OrderStanding = {
  state: 'in_progress',
  quantity: 3n,
  charge: 1_000_000n,
  refunded: 0n,
  remains: 3n,
  startCount: null,
}

test('the undelivered share is rounded down to the millionth', () => {
  assert.equal(refundOnEntering('partial', standing, 1n), 333_333n)
  assert.equal(refundOnEntering('canceled', standing, 2n), 666_666n)
  assert.equal(refundOnEntering('canceled', standing, 3n), 1_000_000n)
  assert.equal(refundOnEntering('canceled', standing, 0n), 0n)
})

test('failed gives back what is left; completed and done nothing', () => {
  assert.equal(refundOnEntering('failed', { ...standing, refunded: 400_000n }, 0n), 600_000n)
  assert.equal(refundOnEntering('completed', standing, 0n), 0n)
  assert.equal(refundOnEntering('done', standing, 3n), 0n)
})

test('a share is never more than what is left of the charge', () => {
  assert.equal(refundOnEntering('partial', { ...standing, refunded: 900_000n }, 3n), 100_000n)
})

test('a free order gives nothing back', () => {
  assert.equal(refundOnEntering('failed', { ...standing, charge: 0n }, 3n), 0n)
  assert.equal(refundOnEntering('canceled', { ...standing, charge: 0n }, 3n), 0n)
})

test('terminal states become nothing else, and nothing becomes pending', () => {
  for (const from of ORDER_STATES) {
    assert.equal(mayBecome(from, 'pending'), false)
    assert.equal(mayBecome(from, from), false)
    if (isTerminal(from)) for (const to of ORDER_STATES) assert.equal(mayBecome(from, to), false)
  }
})

test('late and repeated reports change nothing', () => {
  const running = { ...standing, remains: 1n, startCount: 7n }
  assert.equal(changeBy(running, { state: 'pending', remains: 3n, startCount: 7n }), undefined)
  assert.equal(changeBy(running, { state: 'in_progress', remains: 2n, startCount: 7n }), undefined)
  const ended = { ...running, state: 'completed', remains: 0n } as const
  assert.equal(changeBy(ended, { state: 'partial', remains: 2n, startCount: null }), undefined)
})

test('a report out of range is taken as all or nothing', () => {
  const partial = { state: 'partial', startCount: null } as const
  assert.equal(changeBy(standing, { ...partial, remains: 99n })?.refund, 1_000_000n)
  assert.equal(changeBy(standing, { ...partial, remains: -1n })?.refund, 0n)
})

const QUANTITY_MAX = 10n ** 12n
const CHARGE_MAX = 10n ** 15n
const report: fc.Arbitrary<OrderReport> = fc.record({
  state: fc.constantFrom(...ORDER_STATES),
  remains: fc.option(fc.bigInt({ min: -10n, max: QUANTITY_MAX + 10n })),
  startCount: fc.option(fc.bigInt({ min: 0n, max: QUANTITY_MAX })),
})
/** The operator gives back this part of what is left, in thousandths. */
const operatorRefund = fc.bigInt({ min: 0n, max: 1000n })

test('refunds never exceed the charge, over any sequence of reports and refunds', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: QUANTITY_MAX }),
      fc.bigInt({ min: 0n, max: CHARGE_MAX }),
      fc.array(fc.oneof(report, operatorRefund), { maxLength: 20 }),
      (quantity, charge, steps) => {
        let order: OrderStanding = {
          state: 'pending',
          quantity,
          charge,
          refunded: 0n,
          remains: quantity,
          startCount: null,
        }
        let ends = 0
        for (const step of steps) {
          if (typeof step === 'bigint') {
            const amount = ((order.charge - order.refunded) * step) / 1000n
            order = { ...order, refunded: order.refunded + amount }
          } else {
            const change = changeBy(order, step)
            if (change === undefined) continue
            assert.ok(change.refund >= 0n)
            if (isTerminal(change.state)) ends++
            else assert.ok(change.remains <= order.remains)
            const { refund, ...after } = change
            order = { ...order, ...after, refunded: order.refunded + refund }
          }
          assert.ok(order.refunded >= 0n && order.refunded <= charge)
          assert.ok(order.remains >= 0n && order.remains <= quantity)
        }
        assert.ok(ends <= 1)
      },
    ),
  )
})

test('what is kept for the delivered part is never less than its share of the charge', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: QUANTITY_MAX }),
      fc.bigInt({ min: 0n, max: CHARGE_MAX }),
      fc.bigInt({ min: 0n, max: 1000n }),
      (quantity, charge, thousandths) => {
        const remains = (quantity * thousandths) / 1000n
        const refund = refundOnEntering('partial', { quantity, charge, refunded: 0n }, remains)
        const kept = charge - refund
        assert.ok(kept * quantity >= charge * (quantity - remains))
        assert.ok((kept - 1n) * quantity < charge * (quantity - remains))
      },
    ),
  )
})

test('an order that the operator ends as delivered has nothing left, unless he says what', () => {
  const order = { ...standing, remains: standing.quantity }
  const end = { state: 'done', startCount: null } as const
  assert.equal(changeBy(order, { ...end, remains: null })?.remains, 0n)
  assert.equal(changeBy(order, { ...end, remains: 2n })?.remains, 2n)
})
