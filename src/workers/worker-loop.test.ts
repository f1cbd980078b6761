import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWorkerLoop } from './worker-loop.ts'

test('a step that fails is repeated after a pause, and stopping waits for no pause', async () => {
  const waits: number[] = []
  const recovered = Promise.withResolvers<void>()
  let steps = 0
  const worker = startWorkerLoop({
    name: 'test',
    log: { warn: (fields: { waitMs: number }) => void waits.push(fields.waitMs) },
    async step() {
      steps++
      if (steps < 3) throw new Error('away')
      recovered.resolve()
      return 3_600_000
    },
  })
  await recovered.promise
  await worker.stop()
  assert.equal(steps, 3)
  assert.deepEqual(waits, [500, 1000])
})

test('stopping lets the step in hand end', async () => {
  const begun = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let ended = false
  const worker = startWorkerLoop({
    name: 'test',
    log: { warn: () => {} },
    async step() {
      begun.resolve()
      await gate.promise
      ended = true
      return 0
    },
  })
  await begun.promise
  const stopped = worker.stop()
  gate.resolve()
  await stopped
  assert.equal(ended, true)
})
