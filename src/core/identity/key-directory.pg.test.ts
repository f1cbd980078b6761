import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newKeyHolder, openDesk, type TestDesk } from '../../../test/kit/desk.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { KeyActor } from '../actor.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { disableApiKey } from './disable-api-key.ts'
import type { KeyOwner } from './key-directory.ts'
import { suspendAccount } from './suspend-account.ts'
import { updateApiKey } from './update-api-key.ts'

let place: TestDatabase
/** Where changes are made, and another process that hears of them late: it never polls. */
let here: TestDesk
let there: TestDesk

before(async () => {
  place = await testDatabase()
  here = await openDesk(place.connection)
  there = await openDesk(place.connection, { polling: false })
})
after(async () => {
  await here?.close()
  await there?.close()
  await place?.drop()
})

async function refusedAs(body: Promise<unknown>): Promise<RefusalCode> {
  try {
    await body
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}

function asKey(owner: KeyOwner): KeyActor {
  assert.equal(owner.kind, 'key')
  return owner as KeyActor
}

test('a key is told whose it is; anything else is unauthorized', async () => {
  const holder = await newKeyHolder(here, { discountPpm: 100_000, scopes: ['write:orders'] })
  const actor = asKey(await here.keys.find(holder.key))
  assert.equal(actor.keyId, holder.keyId)
  assert.equal(actor.accountId, holder.accountId)
  assert.equal(actor.discountPpm, 100_000)
  assert.deepEqual(actor.scopes, ['write:orders'])
  const wrong = ['', ' ', 'x', '\0', `${holder.key}x`, holder.key.slice(0, -1), 'x'.repeat(100_000)]
  wrong.push(holder.key.toUpperCase(), `${holder.key}\0`, '\ud800', '__proto__', 'constructor')
  for (const key of wrong) {
    assert.equal(await refusedAs(here.keys.find(key)), 'unauthorized', key.slice(0, 40))
  }
})

test('many look-ups at once each get their own owner', async () => {
  const holders = await Promise.all(Array.from({ length: 30 }, () => newKeyHolder(here)))
  const asked = [...holders, ...holders, ...holders]
  const found = await Promise.all(asked.map(({ key }) => there.keys.find(key)))
  assert.deepEqual(
    found.map((owner) => asKey(owner).accountId),
    asked.map(({ accountId }) => accountId),
  )
})

test('a disabled key sees nothing more, also where it is still remembered', async () => {
  const holder = await newKeyHolder(here)
  const remembered = asKey(await there.keys.find(holder.key))
  await here.run(disableApiKey, { keyId: holder.keyId })
  for (const desk of [here, there]) {
    assert.equal(await refusedAs(desk.keys.again(remembered)), 'unauthorized')
    assert.equal(await refusedAs(desk.reader.balance(remembered)), 'unauthorized')
    assert.equal(await refusedAs(desk.keys.find(holder.key)), 'unauthorized')
  }
})

test('the keys of a suspended account stop with it', async () => {
  const holder = await newKeyHolder(here)
  const remembered = asKey(await there.keys.find(holder.key))
  await here.run(suspendAccount, { accountId: holder.accountId })
  assert.equal(await refusedAs(there.reader.balance(remembered)), 'unauthorized')
  assert.equal(await refusedAs(there.keys.find(holder.key)), 'unauthorized')
})

test('a key whose terms change is known by its new terms after one poll', async () => {
  const holder = await newKeyHolder(here)
  assert.equal(asKey(await there.keys.find(holder.key)).discountPpm, 0)
  await here.run(updateApiKey, { keyId: holder.keyId, discountPpm: 250_000 })
  await there.watch.refresh()
  assert.equal(asKey(await there.keys.find(holder.key)).discountPpm, 250_000)
})

test('a key that loses its right to read, reads no more, also where it is still remembered', async () => {
  const holder = await newKeyHolder(here)
  const remembered = asKey(await there.keys.find(holder.key))
  await here.run(updateApiKey, { keyId: holder.keyId, scopes: ['read:vm'] })
  assert.equal(await refusedAs(there.reader.balance(remembered)), 'insufficient_scope')
})

test('which keys were used is told once', async () => {
  const holder = await newKeyHolder(here)
  here.keys.takeUsed()
  await here.keys.find(holder.key)
  await here.keys.find(holder.key)
  assert.deepEqual(here.keys.takeUsed(), [holder.keyId])
  assert.deepEqual(here.keys.takeUsed(), [])
})
