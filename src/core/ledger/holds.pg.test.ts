import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertVerified } from '../../../test/kit/assert-verified.ts'
import { type Books, type Customer, newBooks } from '../../../test/kit/books.ts'
import { lockWallets } from '../lock-wallets.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { placeHolds, releaseHolds, settleHolds } from './holds.ts'

const UNIT = 1_000_000n
const SUBJECT = { kind: 'test', id: 1n }
let books: Books

before(async () => {
  books = await newBooks()
})

after(async () => {
  await books?.close()
})

const refused = (code: RefusalCode) => (error: unknown) =>
  error instanceof Refusal && error.code === code

type Context = Parameters<typeof placeHolds>[0]

/** In a transaction that has locked every wallet there is. */
async function withContext<T>(body: (context: Context) => Promise<T>): Promise<T> {
  return await books.database.transaction(async (tx) => {
    const accounts = await tx.selectFrom('account').select('id').execute()
    const accountIds = accounts.map(({ id }) => id)
    return await body({ tx, now: new Date(), wallets: await lockWallets(tx, accountIds) })
  })
}

const draftOf = ({ accountId }: Customer, amountMicros: bigint) => ({
  accountId,
  amountMicros,
  subject: SUBJECT,
})
const place = async (customer: Customer, amountMicros: bigint) =>
  (await withContext((context) => placeHolds(context, [draftOf(customer, amountMicros)])))[0]!
const settle = (holdId: bigint, amountMicros: bigint, taxMicros = 0n) =>
  withContext((context) => settleHolds(context, [{ holdId, amountMicros, taxMicros }]))
const release = (holdId: bigint) => withContext((context) => releaseHolds(context, [holdId]))

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

test('the tax of what is settled goes to a ledger account of its own', async () => {
  const anna = await books.customer()
  await books.credit(anna, 30n * UNIT)
  const part = await place(anna, 10n * UNIT)
  await assert.rejects(settle(part, 6n * UNIT, 6n * UNIT + 1n), { code: 'ERR_ASSERTION' })
  await settle(part, 6n * UNIT, UNIT)
  const taxOnly = await place(anna, 2n)
  await settle(taxOnly, 1n, 1n)
  assert.deepEqual(await transfers(part), [
    'hold wallet>held 10000000',
    'hold_end held>revenue 5000000',
    'hold_end held>wallet 4000000',
    'hold_end held>tax 1000000',
  ])
  assert.deepEqual(await transfers(taxOnly), [
    'hold wallet>held 2',
    'hold_end held>wallet 1',
    'hold_end held>tax 1',
  ])
  assert.equal(await held(anna), 0n)
  assert.equal(await books.balance(anna), 24n * UNIT - 1n)
})

test('many holds of many customers are placed and ended each as told, or none is', async () => {
  const [anna, sven] = [await books.customer(), await books.customer('SEK')]
  await books.credit(anna, 10n * UNIT)
  await books.credit(sven, 10n * UNIT)
  const set = [draftOf(anna, 1n), draftOf(sven, 2n), draftOf(anna, 3n), draftOf(sven, 4n)]
  const ids = await withContext((context) => placeHolds(context, set))
  const { rows } = await books.database.pool.query<{ line: string }>(
    `select account_id || ' ' || amount || ' ' || currency as line from hold
     where id = any ($1::bigint[]) order by array_position($1::bigint[], id)`,
    [ids],
  )
  assert.deepEqual(
    rows.map((row) => row.line),
    set.map(
      ({ accountId, amountMicros }) =>
        `${accountId} ${amountMicros} ${accountId === anna.accountId ? 'USD' : 'SEK'}`,
    ),
  )
  const [one = 0n, two = 0n, three = 0n, four = 0n] = ids
  const settlements = [one, two, three].map((holdId) => ({
    holdId,
    amountMicros: 1n,
    taxMicros: 0n,
  }))
  await assert.rejects(
    withContext((context) =>
      settleHolds(context, [...settlements, { holdId: 999_999n, amountMicros: 1n, taxMicros: 0n }]),
    ),
    refused('not_found'),
  )
  assert.equal(await held(anna), 4n)
  await withContext((context) => settleHolds(context, settlements))
  await assert.rejects(
    withContext((context) => releaseHolds(context, [four, one])),
    refused('invalid_state'),
  )
  await release(four)
  assert.equal(await held(anna), 0n)
  assert.equal(await books.balance(anna), 10n * UNIT - 2n)
  assert.equal(await books.balance(sven), 10n * UNIT - 1n)
  const tooMuch = [draftOf(anna, 6n * UNIT), draftOf(anna, 6n * UNIT)]
  await assert.rejects(
    withContext((context) => placeHolds(context, tooMuch)),
    refused('insufficient_funds'),
  )
})

test('the books of this file balance in the end', async () => {
  await assertVerified(books.database)
})
