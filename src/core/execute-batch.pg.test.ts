/**
 * A batch is many calls in one transaction that do not know of each other: each has an outcome of
 * its own, a key has one effect, and who spoils it spoils it for nobody else.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { sql } from 'kysely'
import { type Books, type Customer, newBooks } from '../../test/kit/books.ts'
import type { Actor, UserActor } from './actor.ts'
import { type Call, execute } from './execute.ts'
import { type BatchOperation, executeBatch, findEffect } from './execute-batch.ts'
import { freeKeys } from './forget-effects.ts'
import { GroupCommit } from './group-commit.ts'
import type { Effect } from './operation.ts'
import { Refusal, type RefusalCode } from './refusal.ts'

let books: Books
let anna: Customer
/** How many calls each run of the operation was given. */
const runs: number[] = []

before(async () => {
  books = await newBooks()
  anna = await books.customer()
})
after(async () => {
  await books?.close()
})
afterEach(() => {
  runs.length = 0
})

interface Note {
  readonly text: string
  readonly unimportant?: string
}

/** Writes an event; refuses 'refuse' or all for 'wreck', fails for 'fail'; 'nothing' has no effect. */
const note: BatchOperation<Note, { text: string }> = {
  name: 'test.note',
  permission: 'write:billing',
  sameness: ({ text }) => text,
  accountsOf: async () => [anna.accountId],
  async run({ tx, last }, calls) {
    runs.push(calls.length)
    for (const { input } of calls) {
      if (input.text === 'fail') await sql`select 1 / 0`.execute(tx)
      if (input.text === 'wreck') throw new Refusal('invalid_state')
    }
    return calls.map(({ input, record }) => {
      const { text } = input
      if (text === 'refuse') return new Refusal('invalid_state')
      if (text !== 'nothing') record({ kind: 'test.noted', subjectId: 1n, accountId: null })
      last(async () => {
        await sql`select ${text}`.execute(tx)
      })
      return text === 'short' ? { output: { text }, kept: { text: 'kept' } } : { output: { text } }
    })
  },
}

const user = (accountId = anna.accountId): UserActor => ({
  kind: 'user',
  userId: 1n,
  accountId,
  scopes: ['write:billing'],
})

function call(text: string, key: string | null = null, actor: Actor = user()): Call<Note> {
  return { actor, input: { text }, idempotencyKey: key }
}

/** Outcomes in words: the output, `again <output>` for a repeat, or the code. */
function told(outcome: PromiseSettledResult<Effect<{ text: string }>>): string {
  if (outcome.status === 'rejected') {
    return outcome.reason instanceof Refusal ? outcome.reason.code : 'failed'
  }
  return `${outcome.value.replayed ? 'again ' : ''}${outcome.value.output.text}`
}

async function batch(...calls: Call<Note>[]): Promise<string[]> {
  return (await executeBatch(books.funnel, note, calls)).map(told)
}

async function eventCount(): Promise<number> {
  const { rows } = await books.database.pool.query(`select from event where kind = 'test.noted'`)
  return rows.length
}

test('each call has its own outcome, and an event by its own actor', async () => {
  const bert = await books.customer()
  const reader = { ...user(), scopes: ['read:all'] as const }
  assert.deepEqual(
    await batch(
      call('one'),
      call('refuse', 'refused'),
      call('two', 'two', user(bert.accountId)),
      call('three', 'has a space'),
      call('four', null, reader),
      call('nothing', 'nothing'),
      call('five', 'five', { kind: 'operator', operatorId: 3n }),
    ),
    [
      'one',
      'invalid_state',
      'two',
      'idempotency_key_invalid',
      'insufficient_scope',
      'nothing',
      'five',
    ],
  )
  assert.deepEqual(runs, [5])
  const { rows } = await books.database.pool.query<{ line: string }>(
    `select actor_kind || ' ' || actor_id as line from event where kind = 'test.noted'
     order by id`,
  )
  assert.deepEqual(
    rows.map((row) => row.line),
    ['user 1', 'user 1', 'operator 3'],
  )
  assert.deepEqual(await batch(), [])
})

test('a key has one effect; what was refused or had none is tried anew', async () => {
  assert.deepEqual(await batch(call('a', 'a'), call('refuse', 'b'), call('nothing', 'c')), [
    'a',
    'invalid_state',
    'nothing',
  ])
  assert.deepEqual(await batch(call('a', 'a'), call('b', 'b'), call('c', 'c')), [
    'again a',
    'b',
    'c',
  ])
  assert.deepEqual(await batch(call('other', 'a'), call('short', 'd')), [
    'idempotency_key_reused',
    'short',
  ])
  assert.deepEqual(await batch(call('short', 'd')), ['again kept'])
  const { db } = books.database
  assert.deepEqual(await findEffect(db, note, call('short', 'd')), { text: 'kept' })
  assert.equal(await findEffect(db, note, call('short', 'unused')), undefined)
  await assert.rejects(
    findEffect(db, note, call('else', 'd')),
    (error) => error instanceof Refusal && error.code === 'idempotency_key_reused',
  )
  const bert = await books.customer()
  assert.deepEqual(await batch(call('b', 'a', user(bert.accountId))), ['b'], "another's key")
})

test('what is not part of the sameness may differ', async () => {
  const first = { ...call('same', 'same'), input: { text: 'same', unimportant: 'x' } }
  assert.deepEqual(await batch(first), ['same'])
  assert.deepEqual(await batch(call('same', 'same')), ['again same'])
})

test('a key that one operation has used, or freed', async () => {
  const single = {
    name: 'test.single',
    permission: 'write:billing',
    run: async (context: { record(event: object): void }) => {
      context.record({ kind: 'test.single', subjectId: 1n, accountId: null })
      return 'single'
    },
  } as const
  const asked = { actor: user(), input: null, idempotencyKey: 'shared' }
  await execute(books.funnel, single, asked)
  assert.deepEqual(await batch(call('x', 'shared')), ['idempotency_key_reused'])
  const key = { ownerKind: 'account', ownerId: anna.accountId, key: 'shared' } as const
  await books.database.transaction((tx) => freeKeys(tx, [key]))
  assert.deepEqual(await batch(call('x', 'shared')), ['x'])
  await assert.rejects(
    execute(books.funnel, single, asked),
    (error) => error instanceof Refusal && error.code === 'idempotency_key_reused',
  )
})

test('only the guilty fails', async () => {
  const before = await eventCount()
  assert.deepEqual(await batch(call('g', 'g'), call('fail'), call('h')), ['g', 'failed', 'h'])
  assert.deepEqual(runs, [3, 1, 1, 1])
  assert.equal((await eventCount()) - before, 2)
  runs.length = 0
  assert.deepEqual(await batch(call('i'), call('wreck')), ['i', 'invalid_state'])
  assert.deepEqual(runs, [2, 1, 1])
})

test('a wallet that somebody keeps locked is waited for, not for long', async () => {
  const client = await books.database.pool.connect()
  try {
    await client.query('begin')
    await client.query('select from ledger_account where id = $1 for no key update', [
      anna.walletId,
    ])
    assert.deepEqual(await batch(call('locked')), ['unavailable'])
  } finally {
    await client.query('rollback')
    client.release()
  }
  assert.deepEqual(await batch(call('free')), ['free'])
})

test('calls that come while a commit is in flight share the next; a repeat waits', async () => {
  const group = new GroupCommit(books.funnel, note, { batchMax: 10, queueMax: 50, inFlightMax: 1 })
  const asked = Array.from({ length: 25 }, (_, at) => call(`t${at}`))
  const repeats = [call('r', 'r'), call('r', 'r'), call('r', 'r')]
  const outcomes = await Promise.allSettled(
    [...asked, ...repeats].map((each) => group.execute(each)),
  )
  assert.deepEqual(outcomes.map(told), [
    ...asked.map(({ input }) => input.text),
    'r',
    'again r',
    'again r',
  ])
  assert.deepEqual(runs, [10, 10, 6])
})

test('a full queue refuses, and goes on', async () => {
  const group = new GroupCommit(books.funnel, note, { batchMax: 2, queueMax: 4, inFlightMax: 1 })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, at) => group.execute(call(`q${at}`))),
  )
  const codes = outcomes.map(told)
  assert.equal(codes.filter((text) => text === ('unavailable' satisfies RefusalCode)).length, 4)
  assert.equal((await group.execute(call('later'))).output.text, 'later')
})
