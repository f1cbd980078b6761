import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restWhileBusy } from './rest-while-busy.ts'

const LONG = { workMs: 1_000_000, sharers: 1_000_000 }
const never = () => false

test('nobody rests where nobody else needs the process', async () => {
  let looks = 0
  const busy = () => {
    looks++
    return false
  }
  await restWhileBusy({ ...LONG, busy, isStopping: never })
  assert.equal(looks, 1)
})

test('a rest ends once nobody else needs the process, or the worker is to stop', async () => {
  for (const end of ['busy', 'isStopping'] as const) {
    let looks = 0
    const third = () => ++looks === 3
    const busy = end === 'busy' ? () => !third() : () => true
    await restWhileBusy({ ...LONG, busy, isStopping: end === 'isStopping' ? third : never })
    assert.equal(looks, 3, end)
  }
})

test('a rest ends by itself, however busy it is', async () => {
  let looks = 0
  const busy = () => {
    looks++
    return true
  }
  await restWhileBusy({ workMs: 10, sharers: 2, busy, isStopping: never })
  assert.ok(looks > 1)
})
