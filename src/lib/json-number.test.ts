import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonDecimal, jsonInteger } from './json-number.ts'

test('numbers are written exactly, in their shortest form', () => {
  const written = JSON.stringify([
    jsonInteger(7801n),
    jsonInteger(9_223_372_036_854_775_807n),
    jsonDecimal(75_000_000n, 6),
    jsonDecimal(-43_605n, 6),
    jsonDecimal(9_000_000_000_000_000_001n, 6),
    jsonDecimal(1_200_000n, 6),
    jsonDecimal(0n, 6),
  ])
  assert.equal(written, '[7801,9223372036854775807,75,-0.043605,9000000000000.000001,1.2,0]')
})
