import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Books, type Customer, newBooks } from '../../../test/kit/books.ts'
import type { Tx } from '../../db/database.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { placeHold, releaseHold, settleHold } from './holds.ts'
import { systemAccount } from './system-account.ts'
import { verifyLedger } from './verify-ledger.ts'

const UNIT = 1_000_000n
const SUBJECT = { kind: 'test', id: 1n }
let books: Books
let revenueId: bigint

before(async () => {
  books = await newBooks()
  revenueId = await books.database.transaction((tx) => systemAccount(tx, 'revenue', 'USD'))
})

after(async () => {
  await books?.close()
})

const refused = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code

async function withContext<T>(body: (context: { tx: Tx; now: Date }) => Promise<T>): Promise<T> {
  return await books.database.transaction((tx) => body({ tx, now: new Date() }))
}

const place = (customer: Customer, amountMicros: bigint) =>
  withContext((context) =>
    placeHold(context, { accountId: customer.accountId, amountMicros, subject: SUBJECT }),
  )
const settle = (holdId: bigint, amountMicros: bigint) =>
  withContext((context) => settleHold(context, { holdId, amountMicros, destinationId: revenueId }))
const release = (holdId: bigint) => withContext((context) => releaseHold(context, { holdId }))

async function transfers(holdId: bigint): Promise<string[]> {
  const { rows } = await books.database.pool.query<{ line: string }>(
    `select t.cause_kind || ' ' || d.kind || '>' || c.kind || ' ' || t.amount as line
     from transfer t join ledger_account d on d.id = t.debit_id
     join ledger_account c on c.id = t.credit_id
     where t.cause_kind in ('hold', 'hold_end') and t.cause_id = $1 order by t.id`,
    [holdId],
  )
  return rows.map((row) => row.line)
}

async function held(customer: Customer): Promise<bigint> {
  const { rows } = await books.database.pool.query<{ balance: bigint }>(
    `select balance from ledger_account where account_id = $1 and kind = 'held'`,
    [customer.accountId],
  )
  return rows[0]?.balance ?? 0n
}

test('a hold is settled in full, settled in part, or released', async () => {
  const anna = await books.customer()
  await books.credit(anna, 30n * UNIT)
  const full = await place(anna, 10n * UNIT)
  const part = await place(anna, 10n * UNIT)
  const none = await place(anna, 10n * UNIT)
  assert.equal(await books.balance(anna), 0n)
  assert.equal(await held(anna), 30n * UNIT)
  await settle(full, 10n * UNIT)
  await settle(part, 1n)
  await release(none)
  assert.equal(await books.balance(anna), 20n * UNIT - 1n)
  assert.equal(await held(anna), 0n)
  assert.deepEqual(await transfers(full), [
    'hold wallet>held 10000000',
    'hold_end held>revenue 10000000',
  ])
  assert.deepEqual(await transfers(part), [
    'hold wallet>held 10000000',
    'hold_end held>revenue 1',
    'hold_end held>wallet 9999999',
  ])
  assert.deepEqual(await transfers(none), [
    'hold wallet>held 10000000',
    'hold_end held>wallet 10000000',
  ])
})

test('a hold ends once, and nobody settles more than it holds', async () => {
  const anna = await books.customer()
  await books.credit(anna, 10n * UNIT)
  const holdId = await place(anna, 4n * UNIT)
  await assert.rejects(settle(holdId, 4n * UNIT + 1n), { code: 'ERR_ASSERTION' })
  await assert.rejects(settle(holdId, 0n), { code: 'ERR_ASSERTION' })
  await assert.rejects(place(anna, 0n), { code: 'ERR_ASSERTION' })
  await settle(holdId, UNIT)
  await assert.rejects(settle(holdId, UNIT), refused('invalid_state'))
  await assert.rejects(release(holdId), refused('invalid_state'))
  await assert.rejects(release(999_999n), refused('not_found'))
  assert.equal(await books.balance(anna), 9n * UNIT)
})

test('a hold beyond the balance is refused and leaves nothing', async () => {
  const anna = await books.customer()
  await books.credit(anna, UNIT)
  await assert.rejects(place(anna, UNIT + 1n), refused('insufficient_funds'))
  const { rows } = await books.database.pool.query('select from hold where account_id = $1', [
    anna.accountId,
  ])
  assert.equal(rows.length, 0)
  const nobody = { ...anna, accountId: 999_999n }
  await assert.rejects(place(nobody, 1n), refused('not_found'))
})

test('of many holds at once as many are placed as the money reaches for', async () => {
  const anna = await books.customer()
  await books.credit(anna, 10n * UNIT)
  const results = await Promise.allSettled(Array.from({ length: 40 }, () => place(anna, UNIT)))
  const placed = results.filter((result) => result.status === 'fulfilled')
  assert.equal(placed.length, 10)
  for (const result of results) {
    if (result.status === 'rejected') assert.ok(refused('insufficient_funds')(result.reason))
  }
  assert.equal(await books.balance(anna), 0n)
  assert.equal(await held(anna), 10n * UNIT)
})

test('of many ends of one hold at once exactly one happens', async () => {
  const anna = await books.customer()
  await books.credit(anna, 10n * UNIT)
  const holdId = await place(anna, 10n * UNIT)
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, i) => (i % 2 ? settle(holdId, 3n * UNIT) : release(holdId))),
  )
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
  for (const result of results) {
    if (result.status === 'rejected') assert.ok(refused('invalid_state')(result.reason))
  }
  assert.equal(await held(anna), 0n)
  const won = results.findIndex((result) => result.status === 'fulfilled')
  assert.equal(await books.balance(anna), won % 2 ? 7n * UNIT : 10n * UNIT)
})

test('the books of this file balance in the end', async () => {
  const { checks } = await verifyLedger(books.database, { all: true })
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  )
})
