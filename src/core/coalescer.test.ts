import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Coalescer } from './coalescer.ts'
import { Refusal } from './refusal.ts'

interface Query {
  readonly keys: readonly string[]
  answer(): void
  fail(error: Error): void
}

/** A coalescer whose queries are answered when the test says so. */
function underTest(limits: { batchMax: number; waitingMax: number; inFlightMax: number }) {
  const queries: Query[] = []
  let asked = Promise.withResolvers<void>()
  const coalescer = new Coalescer<string, string>((keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, string>>()
    const found = keys
      .filter((key) => !key.startsWith('no'))
      .map((key) => [key, `${key}!`] as const)
    queries.push({ keys, answer: () => resolve(new Map(found)), fail: reject })
    asked.resolve()
    asked = Promise.withResolvers()
    return promise
  }, limits)
  const query = async (at: number): Promise<Query> => {
    while (queries.length <= at) await asked.promise
    return queries[at]!
  }
  return { coalescer, queries, query }
}

const WIDE = { batchMax: 100, waitingMax: 100, inFlightMax: 1 }

test('what is asked in one turn is one query, and what is not found is undefined', async () => {
  const { coalescer, queries, query } = underTest(WIDE)
  const answers = Promise.all(['a', 'b', 'none', 'a'].map((key) => coalescer.get(key)))
  ;(await query(0)).answer()
  assert.deepEqual(await answers, ['a!', 'b!', undefined, 'a!'])
  assert.deepEqual(
    queries.map(({ keys }) => keys),
    [['a', 'b', 'none', 'a']],
  )
})

test('an answer is never older than its question: no query serves who asked after it', async () => {
  const { coalescer, queries, query } = underTest(WIDE)
  const first = coalescer.get('a')
  await query(0)
  const second = coalescer.get('a')
  queries[0]!.answer()
  assert.equal(await first, 'a!')
  ;(await query(1)).answer()
  assert.equal(await second, 'a!')
  assert.equal(queries.length, 2)
})

test('a query that fails is told to those it was for, and the next one goes on', async () => {
  const { coalescer, queries, query } = underTest(WIDE)
  const first = assert.rejects(coalescer.get('a'), /away/)
  await query(0)
  const second = coalescer.get('b')
  queries[0]!.fail(new Error('away'))
  await first
  ;(await query(1)).answer()
  assert.equal(await second, 'b!')
})

test('batches, queries at once and what waits have limits', async () => {
  const { coalescer, queries, query } = underTest({ batchMax: 2, waitingMax: 3, inFlightMax: 2 })
  const early = ['a', 'b', 'c'].map((key) => coalescer.get(key))
  await assert.rejects(coalescer.get('d'), (error) => {
    return error instanceof Refusal && error.code === 'unavailable'
  })
  await query(1)
  const late = [coalescer.get('e'), coalescer.get('f')]
  assert.deepEqual(
    queries.map(({ keys }) => keys),
    [['a', 'b'], ['c']],
  )
  for (const one of [...queries]) one.answer()
  ;(await query(2)).answer()
  assert.deepEqual(await Promise.all([...early, ...late]), ['a!', 'b!', 'c!', 'e!', 'f!'])
  assert.deepEqual(queries[2]!.keys, ['e', 'f'])
})
