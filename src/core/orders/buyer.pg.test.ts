import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newKeyHolder, newService, openDesk, type TestDesk } from '../../../test/kit/desk.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { KeyActor, OperatorActor, UserActor } from '../actor.ts'
import { createOperator } from '../identity/create-operator.ts'
import { createUser } from '../identity/create-user.ts'
import { suspendAccount } from '../identity/suspend-account.ts'
import { ROLE_SCOPES } from '../identity/user.ts'
import { createDiscountGroup, updateDiscountGroup } from '../pricing/change-discount-group.ts'
import { ratesOf } from '../pricing/charge.ts'
import { ownPrice } from '../pricing/own-price.ts'
import { setAccountGroup } from '../pricing/set-account-group.ts'
import { setAccountRate } from '../pricing/set-account-rate.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { accountBuyer, type Buyer } from './buyer.ts'
import { currentPrices } from './current-prices.ts'
import { placeOrder } from './place-order.ts'

let place: TestDatabase
/** Where changes are made, and another process that hears of them late: it never polls. */
let here: TestDesk
let there: TestDesk
let service: bigint
let operator: OperatorActor

before(async () => {
  place = await testDatabase()
  here = await openDesk(place.connection)
  there = await openDesk(place.connection, { polling: false })
  service = await newService(here, '1.00')
  const { id } = await here.run(createOperator, {
    email: 'anna@purser.example',
    name: 'Anna',
    password: 'correct horse battery',
  })
  operator = { kind: 'operator', operatorId: BigInt(id) }
})
after(async () => {
  await here?.close()
  await there?.close()
  await place?.drop()
})

/** An account with a key, and a user who may order for it. */
async function newAccount(): Promise<{ accountId: bigint; key: string; user: UserActor }> {
  const { accountId, key } = await newKeyHolder(here)
  const { id } = await here.run(createUser, {
    accountId,
    email: `${crypto.randomUUID()}@shop.example`,
    password: 'correct horse battery',
    role: 'owner',
  })
  const scopes = ROLE_SCOPES.owner
  return { accountId, key, user: { kind: 'user', userId: BigInt(id), accountId, scopes } }
}

function buy(desk: TestDesk, actor: Buyer, idempotencyKey: string | null = null) {
  const request = { service: String(service), link: 'https://shop.example', quantity: '1000' }
  return placeOrder(desk, { actor, request, idempotencyKey })
}

function refusal(code: RefusalCode): (error: unknown) => boolean {
  return (error) => error instanceof Refusal && error.code === code
}

async function ordersOf(accountId: bigint) {
  const { rows } = await here.database.pool.query<{ kind: string; id: bigint; key: bigint | null }>(
    `select e.actor_kind as kind, e.actor_id as id, o.api_key_id as key
     from service_order o join event e on e.subject_id = o.id and e.kind = 'order.placed'
     where o.account_id = $1 order by o.id`,
    [accountId],
  )
  return rows
}

test('a user and an operator order for an account, and the audit trail says who', async () => {
  const { accountId, user } = await newAccount()
  for (const by of [user, operator]) {
    const { output } = await buy(here, await accountBuyer(here.db, { accountId, by }))
    assert.equal(output.chargeMicros, 1_000_000n)
  }
  assert.deepEqual(await ordersOf(accountId), [
    { kind: 'user', id: user.userId, key: null },
    { kind: 'operator', id: operator.operatorId, key: null },
  ])
})

test('a user who may not order is refused, and an account that is not there', async () => {
  const { accountId, user } = await newAccount()
  const reader = { ...user, scopes: ROLE_SCOPES.reader }
  const buyer = await accountBuyer(here.db, { accountId, by: reader })
  await assert.rejects(buy(here, buyer), refusal('insufficient_scope'))
  const nobody = accountBuyer(here.db, { accountId: 999_999n, by: operator })
  await assert.rejects(nobody, refusal('not_found'))
})

test('what a buyer was read with is not charged once it has changed', async () => {
  const { accountId, key, user } = await newAccount()
  const known = await there.keys.find(key)
  assert.equal(known.kind, 'key')
  const buyers = [
    known as KeyActor,
    await accountBuyer(there.db, { accountId, by: user }),
    await accountBuyer(there.db, { accountId, by: operator }),
  ]
  await there.catalogue.current()
  const group = await here.run(createDiscountGroup, {
    name: crypto.randomUUID(),
    discountPpm: 500_000,
  })
  const groupId = BigInt(group.id)
  const changes: readonly (readonly [charge: bigint, change: () => Promise<unknown>])[] = [
    [500_000n, () => here.run(setAccountGroup, { accountId, groupId })],
    [900_000n, () => here.run(updateDiscountGroup, { groupId, discountPpm: 100_000 })],
    [700_000n, () => here.run(setAccountRate, { accountId, serviceId: service, rate: '0.70' })],
  ]
  for (const [charge, change] of changes) {
    await change()
    for (const buyer of buyers) {
      const { catalogue, buyer: current } = await currentPrices(there, buyer)
      const terms = ownPrice(catalogue.byId.get(service)!, current)
      const { value, decimals } = ratesOf(terms!).rate
      assert.equal(value, charge * 10n ** BigInt(decimals - 6))
      const { output } = await buy(there, buyer)
      assert.equal(output.chargeMicros, charge)
    }
  }
})

test('an account that was suspended meanwhile buys nothing more', async () => {
  const { accountId, user } = await newAccount()
  const [asUser, asOperator] = [
    await accountBuyer(there.db, { accountId, by: user }),
    await accountBuyer(there.db, { accountId, by: operator }),
  ]
  await here.run(suspendAccount, { accountId })
  await assert.rejects(buy(there, asUser), refusal('unauthorized'))
  await assert.rejects(buy(there, asOperator), refusal('invalid_state'))
  assert.deepEqual(await ordersOf(accountId), [])
})

test("an operator's idempotency keys are none of the account's", async () => {
  const { accountId, user } = await newAccount()
  const asUser = await accountBuyer(here.db, { accountId, by: user })
  const asOperator = await accountBuyer(here.db, { accountId, by: operator })
  const first = await buy(here, asUser, 'same')
  const second = await buy(here, asOperator, 'same')
  assert.notEqual(second.output.id, first.output.id)
  for (const [buyer, id] of [
    [asUser, first.output.id],
    [asOperator, second.output.id],
  ] as const) {
    const { output, replayed } = await buy(here, buyer, 'same')
    assert.deepEqual([output.id, replayed], [id, true])
  }
})
