import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { type Books, type Customer, newBooks } from '../../../test/kit/books.ts'
import { type Verification, verifyLedger } from './verify-ledger.ts'

const UNIT = 1_000_000n
let books: Books
let anna: Customer

before(async () => {
  books = await newBooks()
})

after(async () => {
  await books?.close()
})

async function verify(all = false): Promise<Verification> {
  return await verifyLedger(books.database, { all })
}

async function checkpoint(): Promise<{ transfer_id: bigint }> {
  const { rows } = await books.database.pool.query('select * from ledger_checkpoint')
  return rows[0]
}

/**
 * Verifies until all transfers are settled: a transaction of anybody on the server, in another
 * database too, may be open at that moment and put it off to the next run.
 */
async function verifyAll(): Promise<void> {
  const newest = await newestTransfer()
  for (;;) {
    assert.deepEqual(names(await verify()), [])
    if ((await checkpoint()).transfer_id === newest) return
    await setTimeout(RUN_PAUSE_MS)
  }
}

const RUN_PAUSE_MS = 20

async function newestTransfer(): Promise<bigint> {
  const { rows } = await books.database.pool.query('select max(id) as id from transfer')
  return rows[0].id
}

async function inTransaction(body: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await books.database.pool.connect()
  try {
    await client.query('begin')
    await body(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const names = (result: Verification) =>
  result.checks.filter((check) => !check.ok).map((check) => check.name)

test('the first run looks at all, the next one goes on from there', async () => {
  anna = await books.customer()
  await books.credit(anna, 100n * UNIT)
  assert.deepEqual(
    [(await verify()).all, (await verify()).all, (await verify(true)).all],
    [true, false, true],
  )
  await verifyAll()
})

test('what it adds up from checkpoint to checkpoint stays the sum of all transfers', async () => {
  for (let round = 0; round < 5; round++) {
    await books.order(anna, UNIT)
    await books.credit(anna, UNIT)
    await verifyAll()
  }
  const { rows } = await books.database.pool.query(`
    select k.ledger_account_id from ledger_checkpoint_balance k
    where k.debits <> (select coalesce(sum(amount), 0) from transfer
        where debit_id = k.ledger_account_id)
      or k.credits <> (select coalesce(sum(amount), 0) from transfer
        where credit_id = k.ledger_account_id)`)
  assert.deepEqual(rows, [])
})

test('runs at the same time add nothing twice', async () => {
  for (let round = 0; round < 3; round++) {
    await books.order(anna, UNIT)
    const results = await Promise.all(Array.from({ length: 6 }, () => verify(round === 1)))
    assert.deepEqual(results.flatMap(names), [])
    assert.deepEqual(names(await verify()), [])
  }
})

/** A transfer that no order asks for, from a transaction that is told when to commit. */
function strayTransfer(orderId: number): string {
  return `insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id,
      account_id, created_at)
    select credit_id, debit_id, 1, currency, 'order', ${orderId}, account_id, now()
    from transfer where cause_kind = 'credit' limit 1`
}

test('a transfer that commits late, with a lower number, is not missed', async () => {
  await verifyAll()
  const settled = (await checkpoint()).transfer_id
  await inTransaction(async (late) => {
    await late.query(strayTransfer(424_242))
    // Another customer's orders go on meanwhile and take higher numbers.
    const bert = await books.customer()
    await books.credit(bert, 10n * UNIT)
    for (let round = 0; round < 3; round++) {
      await books.order(bert, UNIT)
      assert.deepEqual(names(await verify()), [])
      assert.equal((await checkpoint()).transfer_id, settled)
    }
    await late.query('commit')
  })
  const result = await verify()
  assert.deepEqual(names(result), ['transfer_has_one_cause'])
  assert.equal(result.all, false)
  // A run that found something keeps nothing, so the next one finds it again.
  assert.deepEqual(names(await verify()), ['transfer_has_one_cause'])
  await undo(424_242)
  await verifyAll()
})

test('a transfer numbered after a run by a transaction begun before it is not missed', async () => {
  await verify()
  await inTransaction(async (late) => {
    await late.query('select pg_current_xact_id()')
    await verify()
    await late.query(strayTransfer(434_343))
    await verify()
    await late.query('commit')
  })
  assert.deepEqual(names(await verify()), ['transfer_has_one_cause'])
  await undo(434_343)
  assert.deepEqual(names(await verify()), [])
})

/** Takes a stray transfer of one millionth out of the books again. */
async function undo(orderId: number): Promise<void> {
  await books.tamper(`
    update ledger_account set balance = balance + 1
    where id = (select debit_id from transfer where cause_kind = 'order' and cause_id = ${orderId});
    delete from transfer where cause_kind = 'order' and cause_id = ${orderId}`)
}

test('an order that is changed late without its event is not missed', async () => {
  const orderId = await books.order(anna, UNIT)
  await verify()
  await inTransaction(async (late) => {
    await late.query(
      `update service_order set state = 'done', look_at = null where id = ${orderId}`,
    )
    assert.deepEqual(names(await verify()), [])
    await books.credit(anna, UNIT)
    assert.deepEqual(names(await verify()), [])
    await late.query('commit')
  })
  assert.deepEqual(names(await verify()), ['one_event_per_change'])
  await books.tamper(`insert into event (kind, subject_id, actor_kind, created_at)
    values ('order.done', ${orderId}, 'system', now())`)
  assert.deepEqual(names(await verify()), [])
})

test('it waits for nobody who holds the wallets, and they do not wait for it', async () => {
  await inTransaction(async (client) => {
    await client.query('select from ledger_account order by id for update')
    await client.query('lock table service_order in row exclusive mode')
    assert.deepEqual(names(await verify()), [])
  })
  await books.database.snapshot(async (db) => {
    await db.selectFrom('transfer').select('id').execute()
    await books.order(anna, UNIT)
  })
})

test('a restore voids the checkpoint, and so does one of a database that is ahead', async () => {
  assert.equal((await verify()).all, false)
  await books.tamper('update installation set restore_epoch = restore_epoch + 1')
  assert.equal((await verify()).all, true)
  assert.equal((await verify()).all, false)
  await books.tamper(`update ledger_checkpoint set verified_xid = '99999999999'`)
  assert.equal((await verify()).all, true)
  assert.equal((await verify()).all, false)
})

test('an old transfer that is tampered with is found by looking at all', async () => {
  await verifyAll()
  await books.tamper(`update transfer set cause_id = 565656 where id = (select min(id)
    from transfer)`)
  assert.deepEqual(names(await verify()), [])
  assert.deepEqual(names(await verify(true)), ['transfer_has_one_cause', 'cause_has_its_transfer'])
})
