import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { type FeedPage, readEventFeed } from './event-feed.ts'

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

async function write(on: pg.Pool | pg.PoolClient, ...subjects: number[]): Promise<void> {
  await on.query(
    `insert into event (restore_epoch, kind, subject_id, actor_kind, created_at)
     select restore_epoch, 'test', unnest($1::bigint[]), 'system', now() from installation`,
    [subjects],
  )
}

/**
 * Reads on until `last` shows: a transaction that is open in another database of the server holds
 * the feed back too.
 */
async function readTo(
  last: number,
  o: { after: string | null; limit: number },
): Promise<{ subjects: number[]; next: string | null }> {
  for (;;) {
    const read = await readAll(o.after, o.limit)
    if (read.subjects.includes(last)) return read
  }
}

/** Reads to the end from `after`, `limit` at a time. */
async function readAll(
  after: string | null,
  limit: number,
): Promise<{ subjects: number[]; next: string | null }> {
  const subjects: number[] = []
  let page: FeedPage
  let next = after
  do {
    page = await readEventFeed(database.db, { after: next, limit })
    subjects.push(...page.events.map((event) => Number(event.subjectId)))
    next = page.next
  } while (page.hasMore)
  return { subjects, next }
}

test('an event that commits late is never passed over', async () => {
  assert.deepEqual(await readAll(null, 10), { subjects: [], next: null })
  await write(database.pool, 1)
  const slow = await database.pool.connect()
  await slow.query('begin')
  await write(slow, 2)
  await write(database.pool, 3, 4)

  const first = await readTo(1, { after: null, limit: 1 })
  assert.deepEqual(first.subjects, [1], 'what began after the open transaction waits for it')
  await slow.query('commit')
  slow.release()
  const second = await readTo(4, { after: first.next, limit: 1 })
  assert.deepEqual(second.subjects, [2, 3, 4])
  assert.deepEqual(await readAll(second.next, 1), { subjects: [], next: second.next })
})

test('the feed tells of changes only once they can no longer be undone', async () => {
  const { next } = await readAll(null, 100)
  const slow = await database.pool.connect()
  await slow.query('begin')
  await write(slow, 5)
  assert.deepEqual((await readAll(next, 10)).subjects, [])
  await slow.query('rollback')
  slow.release()
  assert.deepEqual((await readAll(next, 10)).subjects, [])
})

test('a cursor goes on across a restore, unless the restore lost its event', async () => {
  await write(database.pool, 6)
  const { next } = await readTo(6, { after: null, limit: 100 })
  // After a restore transaction numbers begin anew, below those of the events restored.
  await database.pool.query('update installation set restore_epoch = restore_epoch + 1')
  await write(database.pool, 7)
  const after = await readTo(7, { after: next, limit: 100 })
  assert.deepEqual(after.subjects, [7])

  const elsewhere = await testDatabase()
  const other = openDatabase(elsewhere.connection)
  await write(other.pool, 1)
  await assert.rejects(
    readEventFeed(other.db, { after: after.next, limit: 1 }),
    (error: { fields: { pointer: string }[] }) => {
      assert.equal(error.fields[0]?.pointer, '/after')
      return true
    },
  )
  await other.close()
  await elsewhere.drop()
})

test('what is not a cursor is refused', async () => {
  for (const after of ['', 'x', '0', Buffer.from('events 0 x 1').toString('base64url')]) {
    await assert.rejects(readEventFeed(database.db, { after, limit: 1 }), {
      code: 'invalid_input',
    })
  }
})

test('transactions follow each other as numbers: the tenth comes after the ninth', async () => {
  await database.pool.query(
    `insert into event (restore_epoch, tx_id, kind, subject_id, actor_kind, created_at)
     values (0, '9', 'test', 909, 'system', now()), (0, '10', 'test', 910, 'system', now()),
       (0, '100', 'test', 1000, 'system', now())`,
  )
  const { subjects } = await readAll(null, 1)
  assert.deepEqual(subjects.slice(0, 3), [909, 910, 1000])
})
