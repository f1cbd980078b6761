import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { ADVISORY_LOCKS } from '../../db/advisory-locks.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { ShiftedClock } from '../../lib/clock.ts'
import { type OperatorActor, SYSTEM } from '../actor.ts'
import { execute, type Funnel } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { createAccount } from './create-account.ts'
import { createApiKey } from './create-api-key.ts'
import { createOperator } from './create-operator.ts'
import { createUser } from './create-user.ts'
import { disableApiKey } from './disable-api-key.ts'
import { disableOperator } from './disable-operator.ts'
import { findOperator, findUser } from './find-session.ts'
import { signInOperator, signInUser } from './sign-in.ts'
import { signOut } from './sign-out.ts'
import { suspendAccount } from './suspend-account.ts'
import { updateAccount } from './update-account.ts'
import { updateApiKey } from './update-api-key.ts'

const PASSWORD = 'correct horse battery'
let place: TestDatabase
let database: Database
let funnel: Funnel
let clock: ShiftedClock
let actor: OperatorActor
let made = 0

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  clock = new ShiftedClock()
  funnel = { database, clock }
  const operator = await run(createOperator, {
    email: 'anna@purser.example',
    name: 'Anna',
    password: PASSWORD,
  })
  actor = { kind: 'operator', operatorId: BigInt(operator.id) }
})

after(async () => {
  await database?.close()
  await place?.drop()
})

async function run<I, O>(operation: Operation<I, O>, input: I): Promise<O> {
  return (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}

async function newAccount(): Promise<bigint> {
  const account = await run(createAccount, {
    email: `customer${++made}@example.com`,
    name: 'Customer',
    currency: 'USD',
    timeZone: 'Europe/Sofia',
  })
  return BigInt(account.id)
}

const keyInput = {
  name: 'shop',
  scopes: ['write:orders'],
  discountPpm: 123_456,
  legacyErrors: false,
}

async function epoch(): Promise<bigint> {
  const row = await database.db
    .selectFrom('epoch')
    .select('value')
    .where('name', '=', 'key')
    .executeTakeFirstOrThrow()
  return row.value
}

test('an account opens with an empty wallet in its currency, and one event', async () => {
  const id = await newAccount()
  const wallet = await database.db
    .selectFrom('ledger_account')
    .select(['kind', 'currency', 'balance', 'floor'])
    .where('account_id', '=', id)
    .where('kind', '=', 'wallet')
    .execute()
  assert.deepEqual(wallet, [{ kind: 'wallet', currency: 'USD', balance: 0n, floor: 0n }])
  const events = await database.db
    .selectFrom('event')
    .select(['kind', 'subject_id'])
    .where('account_id', '=', id)
    .execute()
  assert.deepEqual(events, [{ kind: 'account.created', subject_id: id }])
})

test('what is not an account is refused, naming the field', async () => {
  const good = { email: 'x@example.com', name: 'X', currency: 'USD', timeZone: 'UTC' }
  const bad = {
    '/email': { ...good, email: 'nobody' },
    '/name': { ...good, name: 'null\u0000byte' },
    '/currency': { ...good, currency: 'usd' },
    '/time_zone': { ...good, timeZone: '+02:00' },
  }
  for (const [pointer, input] of Object.entries(bad)) {
    await assert.rejects(run(createAccount, input), (error: { fields: { pointer: string }[] }) => {
      assert.equal(error.fields[0]?.pointer, pointer)
      return true
    })
  }
  await assert.rejects(run(createAccount, { ...good, timeZone: 'Mars/Olympus' }), {
    code: 'invalid_input',
  })
  await run(createAccount, { ...good, email: 'Twice@example.com' })
  await assert.rejects(run(createAccount, { ...good, email: 'twice@EXAMPLE.com' }), {
    code: 'conflict',
  })
})

test('the currency follows a change until money has moved', async () => {
  const accountId = await newAccount()
  const changed = await run(updateAccount, { accountId, currency: 'SEK' })
  assert.equal(changed.currency, 'SEK')
  await sql`
    with source as (
      insert into ledger_account (kind, currency) values ('credit_granted', 'SEK')
      on conflict (kind, currency) where account_id is null do update set kind = excluded.kind
      returning id
    )
    insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id,
      account_id, created_at)
    select source.id, w.id, 1, 'SEK', 'credit', 1, w.account_id, now()
    from source, ledger_account w where w.account_id = ${accountId} and w.kind = 'wallet'
  `.execute(database.db)
  await assert.rejects(run(updateAccount, { accountId, currency: 'EUR' }), {
    code: 'currency_fixed',
  })
  assert.equal((await run(updateAccount, { accountId, timeZone: 'UTC' })).timeZone, 'UTC')
})

test('every change that a cached key reflects moves the key epoch', async () => {
  const accountId = await newAccount()
  const key = await run(createApiKey, { accountId, ...keyInput })
  const keyId = BigInt(key.id)
  const steps = [
    () => run(updateAccount, { accountId, timeZone: 'UTC' }),
    () => run(updateApiKey, { keyId, discountPpm: 0 }),
    () => run(suspendAccount, { accountId }),
    () => run(disableApiKey, { keyId }),
  ]
  for (const step of steps) {
    const earlier = await epoch()
    await step()
    assert.equal(await epoch(), earlier + 1n)
  }
})

test('a change of keys waits for the orders in flight and lets none begin before it ends', async () => {
  const accountId = await newAccount()
  const keyId = BigInt((await run(createApiKey, { accountId, ...keyInput })).id)
  const ordering = await database.pool.connect()
  await ordering.query('begin')
  await ordering.query('select pg_advisory_xact_lock_shared($1)', [ADVISORY_LOCKS.epoch])
  const disabling = run(disableApiKey, { keyId })
  let waiting = false
  while (!waiting) {
    const { rows } = await database.pool.query(
      `select count(*)::int as n from pg_locks l join pg_database d on d.oid = l.database
       where d.datname = current_database() and l.locktype = 'advisory' and not l.granted`,
    )
    waiting = rows[0].n > 0
  }
  await ordering.query('commit')
  ordering.release()
  assert.notEqual((await disabling).disabledAt, null)
})

test('neither keys nor passwords nor tokens are anywhere in the database', async () => {
  const accountId = await newAccount()
  const email = `user${made}@example.com`
  const call = { actor, idempotencyKey: `secrets-${made}`, sealWith: 'pur_operators_own_key' }
  const { output } = await execute(funnel, createApiKey, {
    ...call,
    input: { accountId, ...keyInput },
  })
  await execute(funnel, createUser, {
    ...call,
    idempotencyKey: `user-${made}`,
    input: { accountId, email, password: PASSWORD, role: 'owner' },
  })
  const session = await signInUser(funnel, { email, password: PASSWORD })
  const tables = await database.pool.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  )
  for (const { name } of tables.rows) {
    const { rows } = await database.pool.query(`select t::text as line from "${name}" t`)
    for (const { line } of rows) {
      for (const secret of [output.key, PASSWORD, session.token]) {
        assert.ok(!line.includes(secret), `${name} holds a secret: ${line}`)
      }
    }
  }
})

test('a repeat shows the new key again to the same credential and to no other', async () => {
  const accountId = await newAccount()
  const input = { accountId, ...keyInput }
  const call = { actor, input, idempotencyKey: `again-${made}` }
  const first = await execute(funnel, createApiKey, { ...call, sealWith: 'first credential' })
  const again = await execute(funnel, createApiKey, { ...call, sealWith: 'first credential' })
  assert.deepEqual(again, { output: first.output, replayed: true })
  await assert.rejects(execute(funnel, createApiKey, { ...call, sealWith: 'second credential' }), {
    code: 'idempotency_key_reused',
  })
})

test('a session lasts until it is ended, expires or its holder is stopped', async () => {
  const { db } = database
  const accountId = await newAccount()
  const email = `Signs.In${made}@example.com`
  await run(createUser, { accountId, email, password: PASSWORD, role: 'reader' })
  await assert.rejects(signInUser(funnel, { email, password: 'not the password' }), {
    code: 'unauthorized',
  })
  await assert.rejects(signInUser(funnel, { email: 'no@example.com', password: PASSWORD }), {
    code: 'unauthorized',
  })
  const session = await signInUser(funnel, { email: email.toLowerCase(), password: PASSWORD })
  const user = await findUser(db, session.token, clock.now())
  assert.deepEqual(user.actor.scopes, ['read:all'])
  await assert.rejects(findOperator(db, session.token, clock.now()), { code: 'unauthorized' })
  await assert.rejects(findUser(db, session.token, new Date(session.expiresAt)), {
    code: 'unauthorized',
  })
  await signOut(funnel, user.actor, session.token)
  await assert.rejects(findUser(db, session.token, clock.now()), { code: 'unauthorized' })

  const other = await signInUser(funnel, { email, password: PASSWORD })
  await run(suspendAccount, { accountId })
  await assert.rejects(findUser(db, other.token, clock.now()), { code: 'unauthorized' })
  await assert.rejects(signInUser(funnel, { email, password: PASSWORD }), { code: 'unauthorized' })
})

test('the last active operator cannot be disabled', async () => {
  const second = await run(createOperator, {
    email: 'boris@purser.example',
    name: 'Boris',
    password: PASSWORD,
  })
  const session = await signInOperator(funnel, {
    email: 'boris@purser.example',
    password: PASSWORD,
  })
  await run(disableOperator, { operatorId: BigInt(second.id) })
  await assert.rejects(findOperator(database.db, session.token, clock.now()), {
    code: 'unauthorized',
  })
  await assert.rejects(run(disableOperator, { operatorId: actor.operatorId }), {
    code: 'invalid_state',
  })
})
