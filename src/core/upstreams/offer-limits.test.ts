import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWithin, orderable } from './offer-limits.ts'

const SERVICE = {
  type: 'Default',
  minQuantity: 10n,
  maxQuantity: 500n,
  quantityStep: 1n,
  packageQuantity: null,
} as const

test('what can be ordered are multiples of the step from min to max', () => {
  assert.deepEqual(orderable(SERVICE), { least: 10n, most: 500n })
  assert.deepEqual(orderable({ ...SERVICE, quantityStep: 100n }), { least: 100n, most: 500n })
  const uneven = { ...SERVICE, minQuantity: 101n, maxQuantity: 499n, quantityStep: 100n }
  assert.deepEqual(orderable(uneven), { least: 200n, most: 400n })
})

test('of a Package it is what it delivers', () => {
  const sold = { ...SERVICE, type: 'Package', packageQuantity: 250n } as const
  assert.deepEqual(orderable(sold), { least: 250n, most: 250n })
  const comments = { ...sold, type: 'Custom Comments Package' } as const
  assert.deepEqual(orderable(comments), { least: 10n, most: 500n }, 'min and max are of each post')
})

test('an upstream takes what lies within its own limits', () => {
  const theirs = { least: 50n, most: 1_000n }
  assert.ok(isWithin({ least: 50n, most: 1_000n }, theirs))
  assert.ok(isWithin({ least: 60n, most: 70n }, theirs))
  assert.ok(!isWithin({ least: 49n, most: 70n }, theirs))
  assert.ok(!isWithin({ least: 50n, most: 1_001n }, theirs))
})
