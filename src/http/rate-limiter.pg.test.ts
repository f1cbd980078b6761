import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../db/database.ts'
import { RateLimiter } from './rate-limiter.ts'

let place: TestDatabase
let database: Database

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
})
after(async () => {
  await database?.close()
  await place?.drop()
})

/** Long enough before the minute ends that a test stays within it. */
async function earlyInMinute(leastMs = 10_000): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < leastMs) await new Promise((resolve) => setTimeout(resolve, left + 50))
}

test('so many are allowed, and the rest refused, bucket by bucket', async () => {
  await earlyInMinute()
  const limiter = new RateLimiter(database.pool)
  for (let at = 1; at <= 5; at++) {
    const { allowed, limit, remaining, resetSeconds } = limiter.take('a', 5)
    assert.deepEqual([allowed, limit, remaining], [true, 5, 5 - at])
    assert.ok(resetSeconds >= 1 && resetSeconds <= 60)
  }
  for (let at = 0; at < 3; at++) {
    const { allowed, remaining } = limiter.take('a', 5)
    assert.deepEqual([allowed, remaining], [false, 0])
  }
  assert.equal(limiter.peek('a', 5), false)
  assert.equal(limiter.take('b', 5).allowed, true)
})

test('processes that share a database share the count', async () => {
  await earlyInMinute(30_000)
  const limiters = [new RateLimiter(database.pool), new RateLimiter(database.pool)]
  for (const limiter of limiters) limiter.start()
  try {
    const [one, two] = limiters as [RateLimiter, RateLimiter]
    for (let at = 0; at < 8; at++) one.take('shared', 10)
    // The other hears of it at the exchange that follows a request of its own.
    for (let own = 1; ; own++) {
      const { limit, remaining } = two.take('shared', 1_000)
      if (limit - remaining === own + 8) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.equal(two.take('shared', 10).allowed, false)
  } finally {
    for (const limiter of limiters) limiter.stop()
  }
})

test('without the database each goes on counting alone', async () => {
  await earlyInMinute()
  const away = openDatabase({ ...place.connection, database: 'there_is_none' }, { max: 1 })
  const limiter = new RateLimiter(away.pool)
  limiter.start()
  try {
    for (let at = 0; at < 5; at++) assert.equal(limiter.take('a', 5).allowed, true)
    assert.equal(limiter.take('a', 5).allowed, false)
  } finally {
    limiter.stop()
    await away.close()
  }
})
