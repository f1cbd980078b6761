import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { monthlyName, parseOrderName } from './order-name.ts'

const ids = fc.bigInt({ min: 1n, max: 10n ** 18n - 1n })
const instants = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

test('the month is that of UTC, the number at least four digits', () => {
  assert.equal(monthlyName(1n, new Date('2024-11-01T00:00:00Z')), 'CR-202411-0001')
  assert.equal(monthlyName(9999n, new Date('2024-10-31T23:59:59.999Z')), 'CR-202410-9999')
  assert.equal(monthlyName(10000n, new Date('2025-01-01T00:00:00+14:00')), 'CR-202412-10000')
})

test('an order is found by both its names, and by no other month or padding', () => {
  fc.assert(
    fc.property(ids, instants, instants, (id, at, otherAt) => {
      const name = monthlyName(id, at)
      const parsed = parseOrderName(name)
      assert.equal(parsed?.id, id)
      assert.ok(parsed.fits(at))
      assert.equal(parsed.fits(otherAt), monthlyName(id, otherAt) === name)
      assert.equal(parseOrderName(String(id))?.id, id)
      assert.ok(parseOrderName(String(id))?.fits(otherAt))
      const padded = parseOrderName(name.replace(/-(\d+)$/, '-0$1'))
      assert.ok(padded === undefined || !padded.fits(at))
    }),
  )
})

test('nothing else names an order', () => {
  const wrong = ['', ' 1', '1 ', '-1', '+1', '1.0', '1e3', 'NaN', '0x1', '١', '１', '1\0', '1\n']
  wrong.push('9223372036854775807', '9'.repeat(19), 'cr-202411-0001', 'CR-202411-001')
  wrong.push('CR-202411-0001 ', 'CR-20241-0001', 'CR-202411-', "1' or '1'='1", '1,2', '__proto__')
  for (const text of wrong) assert.equal(parseOrderName(text), undefined, JSON.stringify(text))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parsed = parseOrderName(text)
      if (parsed !== undefined) assert.match(text, /^([0-9]{1,18}|CR-[0-9]{6}-[0-9]{4,18})$/)
    }),
  )
})
