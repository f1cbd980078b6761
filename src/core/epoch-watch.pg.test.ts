import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lossyWay } from '../../test/kit/lost-answer.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../db/database.ts'
import { moveEpoch } from './epoch.ts'
import { type Epochs, EpochWatch } from './epoch-watch.ts'
import { Refusal } from './refusal.ts'

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

const move = (name: 'key' | 'catalogue') => database.transaction((tx) => moveEpoch(tx, name))

test('nothing is trusted before the first reading', async () => {
  const watch = new EpochWatch(database.db, () => {})
  assert.equal(watch.fresh(), undefined)
  for (;;) {
    const epochs = await watch.refresh()
    const fresh = watch.fresh()
    // A reading that took a second is too old when it comes.
    if (fresh === undefined) continue
    assert.deepEqual(fresh, epochs)
    return
  }
})

test('a change is seen by who asks, and each epoch moves for itself', async () => {
  const watch = new EpochWatch(database.db, () => {})
  const before = await watch.refresh()
  await move('key')
  const between = await watch.refresh()
  assert.equal(between.key, before.key + 1n)
  assert.equal(between.catalogue, before.catalogue)
  await move('catalogue')
  assert.equal((await watch.refresh()).catalogue, before.catalogue + 1n)
})

test('a reading never begins before it was asked for, though another is under way', async () => {
  const watch = new EpochWatch(database.db, () => {})
  for (let round = 0; round < 20; round++) {
    const { key } = await watch.refresh()
    const [, , changed] = await Promise.all([watch.refresh(), watch.refresh(), move('key')])
    assert.equal(changed, undefined)
    const [one, other] = await Promise.all([watch.refresh(), watch.refresh()])
    assert.deepEqual([one.key, other.key], [key + 1n, key + 1n])
  }
  const under = watch.refresh()
  await move('key')
  const { key } = await watch.refresh()
  assert.ok((await under).key <= key)
  assert.equal((await watch.refresh()).key, key)
})

test('a change that is rolled back is not seen', async () => {
  const watch = new EpochWatch(database.db, () => {})
  const before = await watch.refresh()
  const failing = database.transaction(async (tx) => {
    await moveEpoch(tx, 'key')
    throw new Error('rolled back')
  })
  await assert.rejects(failing, /rolled back/)
  assert.deepEqual(await watch.refresh(), before)
})

test('it is seen without anybody asking, on every watch', async () => {
  const seen = [Promise.withResolvers<Epochs>(), Promise.withResolvers<Epochs>()]
  const { rows } = await database.pool.query<{ value: bigint }>(
    "select value from epoch where name = 'key'",
  )
  const before = rows[0]!.value
  const watches = seen.map(
    ({ resolve }) =>
      new EpochWatch(database.db, (epochs) => {
        if (epochs.key > before) resolve(epochs)
      }),
  )
  for (const watch of watches) await watch.start()
  await move('key')
  for (const { promise } of seen) assert.equal((await promise).key, before + 1n)
  for (const watch of watches) watch.stop()
})

test('without the database it refuses, and goes on when the database is back', async () => {
  const way = await lossyWay(place.connection)
  const other = openDatabase(way.connection, { max: 1 })
  try {
    const watch = new EpochWatch(other.db, () => {})
    const lost = way.loseAnswerTo('from epoch c')
    await assert.rejects(watch.refresh(), (error) => {
      return error instanceof Refusal && error.code === 'unavailable'
    })
    await lost
    assert.equal(watch.fresh(), undefined)
    assert.ok((await watch.refresh()).key > 0n)
  } finally {
    await other.close()
    await way.close()
  }
})
