import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { assertVerified } from '../../../test/kit/assert-verified.ts'
import { newKeyHolder, newService, openDesk, type TestDesk } from '../../../test/kit/desk.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { KeyActor } from '../actor.ts'
import { setServicePrice } from '../catalogue/set-service-price.ts'
import { updateService } from '../catalogue/update-service.ts'
import { disableApiKey } from '../identity/disable-api-key.ts'
import { updateApiKey } from '../identity/update-api-key.ts'
import type { Effect } from '../operation.ts'
import { chargeFor } from '../pricing/charge.ts'
import { Refusal, type RefusalCode } from '../refusal.ts'
import { cancelOrders } from './cancel-orders.ts'
import { type PlacedOrder, placeOrder } from './place-order.ts'

let place: TestDatabase
/** Two processes on one database; `late` only hears of changes when it is told that it is wrong. */
let here: TestDesk
let late: TestDesk

before(async () => {
  place = await testDatabase()
  here = await openDesk(place.connection)
  late = await openDesk(place.connection, { polling: false })
})
after(async () => {
  try {
    await assertVerified(here.database)
  } finally {
    await here?.close()
    await late?.close()
    await place?.drop()
  }
})

async function actorOf(desk: TestDesk, key: string): Promise<KeyActor> {
  const owner = await desk.keys.find(key)
  assert.equal(owner.kind, 'key')
  return owner as KeyActor
}

interface Asked {
  readonly actor: KeyActor
  readonly service: bigint
  readonly quantity?: bigint
  readonly idempotencyKey?: string
  readonly link?: string
}

function addOnce(desk: TestDesk, asked: Asked): Promise<Effect<PlacedOrder>> {
  return placeOrder(desk, {
    actor: asked.actor,
    idempotencyKey: asked.idempotencyKey ?? null,
    request: {
      service: String(asked.service),
      link: asked.link ?? 'https://shop.example',
      quantity: String(asked.quantity ?? 1000n),
    },
  })
}

/** Comes again when told to: on a slow machine a wallet may be waited for in vain. */
async function add(desk: TestDesk, asked: Asked): Promise<Effect<PlacedOrder>> {
  for (;;) {
    try {
      return await addOnce(desk, asked)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unavailable') throw error
    }
  }
}

async function refusedAs(body: Promise<unknown>): Promise<RefusalCode> {
  try {
    await body
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  throw new Error('nothing was refused')
}

interface Row {
  id: bigint
  charge: bigint
  list_charge: bigint
}

async function ordersOf(accountId: bigint): Promise<Row[]> {
  const { rows } = await here.database.pool.query<Row>(
    'select id, charge, list_charge from service_order where account_id = $1 order by id',
    [accountId],
  )
  return rows
}

test('an order is charged what its rate, quantity and discount say, in every currency', async () => {
  const service = await newService(here, '0.01')
  const amountMicros = 10n ** 15n
  // Of 0, 2 and 3 decimals: charges are finer than any of them.
  const holders = await Promise.all(
    ['JPY', 'USD', 'KWD'].map(async (currency) => {
      const holder = await newKeyHolder(here, { amountMicros, currency })
      return { ...holder, currency, left: amountMicros }
    }),
  )
  const terms = fc.record({
    holder: fc.constantFrom(...holders),
    rate: fc.bigInt({ min: 1n, max: 10n ** 9n }),
    discountPpm: fc.integer({ min: 0, max: 1_000_000 }),
    quantity: fc.bigInt({ min: 1n, max: 1_000_000n }),
  })
  await fc.assert(
    fc.asyncProperty(terms, async ({ holder, rate, discountPpm, quantity }) => {
      const { key, keyId, currency } = holder
      const text = `${rate / 1_000_000n}.${String(rate % 1_000_000n).padStart(6, '0')}`
      await here.run(setServicePrice, { serviceId: service, currency, rate: text })
      await here.run(updateApiKey, { keyId, discountPpm })
      const { output } = await add(late, { actor: await actorOf(late, key), service, quantity })
      const expected = chargeFor(
        { rate, discountPpm, groupDiscountPpm: 0, minChargeMicros: 0n },
        quantity,
      )
      const { listChargeMicros, chargeMicros } = output
      assert.deepEqual({ listChargeMicros, chargeMicros }, expected)
      assert.equal(output.currency, currency)
      holder.left -= chargeMicros
      assert.equal(await here.reader.balance(await actorOf(here, key)), holder.left)
    }),
    { numRuns: 20 },
  )
})

test('an old price is never charged once the change has answered', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here, { amountMicros: 10n ** 12n })
  const desks = [here, late]
  for (let round = 2; round < 12; round++) {
    const actors = await Promise.all(desks.map((desk) => actorOf(desk, holder.key)))
    const running = desks.flatMap((desk, at) =>
      Array.from({ length: 10 }, () => add(desk, { actor: actors[at]!, service })),
    )
    await here.run(setServicePrice, { serviceId: service, currency: 'USD', rate: String(round) })
    const after = desks.map((desk, at) => add(desk, { actor: actors[at]!, service }))
    for (const { output } of await Promise.all(after)) {
      assert.equal(output.chargeMicros, BigInt(round) * 1_000_000n)
    }
    const old = [BigInt(round - 1) * 1_000_000n, BigInt(round) * 1_000_000n]
    for (const { output } of await Promise.all(running)) {
      assert.ok(old.includes(output.chargeMicros))
    }
  }
})

test('in the order of commits, prices and keys change once and never back', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here)
  const spare = await newKeyHolder(here)
  const actors = await Promise.all([here, late].map((desk) => actorOf(desk, holder.key)))
  const asking = [here, late].flatMap((desk, at) =>
    Array.from({ length: 40 }, async () => {
      const actor = actors[at]!
      return add(desk, { actor, service }).catch((error: Error) => error)
    }),
  )
  await here.run(setServicePrice, { serviceId: service, currency: 'USD', rate: '2' })
  const more = Array.from({ length: 20 }, () =>
    add(late, { actor: actors[1]!, service }).catch((error: Error) => error),
  )
  await here.run(disableApiKey, { keyId: holder.keyId })
  const results = await Promise.all([...asking, ...more])
  for (const result of results) {
    if (result instanceof Error)
      assert.ok(result instanceof Refusal && result.code === 'unauthorized')
  }
  // Events stand in the order of transactions that took the same lock: the change against them.
  const { rows } = await here.database.pool.query<{ kind: string; charge: bigint | null }>(
    `select e.kind, o.charge from event e
     left join service_order o on o.id = e.subject_id and e.kind = 'order.placed'
     where (e.kind = 'service.priced' and e.subject_id = $1)
       or (e.kind = 'api_key.disabled' and e.subject_id = $2)
       or (e.kind = 'order.placed' and e.account_id = $3)
     order by e.tx_id, e.id`,
    [service, holder.keyId, holder.accountId],
  )
  const priced = rows.findIndex((row) => row.kind === 'service.priced')
  const disabled = rows.findIndex((row) => row.kind === 'api_key.disabled')
  assert.ok(priced >= 0 && disabled > priced)
  assert.equal(disabled, rows.length - 1, 'an order stands behind the disabling of its key')
  assert.equal(await refusedAs(add(late, { actor: actors[1]!, service })), 'unauthorized')
  assert.equal(await refusedAs(add(here, { actor: actors[0]!, service })), 'unauthorized')
  const other = await actorOf(late, spare.key)
  assert.equal((await add(late, { actor: other, service })).output.chargeMicros, 2_000_000n)
})

test('what changes for others sends nobody back to price again', async (t) => {
  const [service, other] = [await newService(here, '1'), await newService(here, '1')]
  const [holder, stranger] = [await newKeyHolder(here), await newKeyHolder(here)]
  const actor = await actorOf(late, holder.key)
  await add(late, { actor, service })
  const { mock } = t.mock.method(late.committer, 'place')
  await here.run(setServicePrice, { serviceId: other, currency: 'USD', rate: '2' })
  await here.run(disableApiKey, { keyId: stranger.keyId })
  await add(late, { actor, service })
  assert.equal(mock.callCount(), 1)
  await here.run(setServicePrice, { serviceId: service, currency: 'USD', rate: '3' })
  assert.equal((await add(late, { actor, service })).output.chargeMicros, 3_000_000n)
  assert.equal(mock.callCount(), 3)
})

test('a wallet that somebody holds locked keeps its own orders waiting, not its neighbours’', async () => {
  const service = await newService(here, '1')
  const [held, free] = [await newKeyHolder(here), await newKeyHolder(here)]
  const holding = await here.database.pool.connect()
  await holding.query('begin')
  await holding.query(
    "select from ledger_account where account_id = $1 and kind = 'wallet' for update",
    [held.accountId],
  )
  const [stuck, neighbour] = [await actorOf(here, held.key), await actorOf(here, free.key)]
  const waiting = Array.from({ length: 5 }, () =>
    refusedAs(addOnce(here, { actor: stuck, service })),
  )
  const passing = Array.from({ length: 5 }, () => add(here, { actor: neighbour, service }))
  await Promise.all(passing)
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['unavailable']))
  await holding.query('rollback')
  holding.release()
  await add(here, { actor: stuck, service })
  assert.equal((await ordersOf(held.accountId)).length, 1)
})

test('a service that was just made or changed is not judged by what it was', async () => {
  const holder = await newKeyHolder(here, { amountMicros: 10n ** 12n })
  const change = updateService(new Set(['simulated']))
  for (const desk of [here, late]) {
    await desk.catalogue.again()
    const service = await newService(here, '1')
    const actor = await actorOf(desk, holder.key)
    await add(desk, { actor, service })
    await here.run(change, { serviceId: service, minQuantity: 1, maxQuantity: 2_000_000 })
    await add(desk, { actor, service, quantity: 2_000_000n })
    await here.run(change, { serviceId: service, state: 'paused' })
    assert.equal(await refusedAs(add(desk, { actor, service })), 'service_not_found')
    await here.run(change, { serviceId: service, state: 'active' })
    await add(desk, { actor, service })
  }
})

test('prices that change all the while delay orders, and neither lose nor double one', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here)
  const actor = await actorOf(here, holder.key)
  const placing = Array.from(
    { length: 20 },
    async () => (await add(here, { actor, service })).output.id,
  )
  for (let at = 0; at < 30; at++) {
    const rate = String(1 + (at % 2))
    await late.run(setServicePrice, { serviceId: service, currency: 'USD', rate })
  }
  const placed = await Promise.all(placing)
  const rows = await ordersOf(holder.accountId)
  assert.deepEqual(new Set(rows.map((row) => row.id)), new Set(placed))
  assert.equal(rows.length, 20)
})

test('a repeat finds its order though the service has been changed or withdrawn', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here)
  const actor = await actorOf(here, holder.key)
  const asked = { actor, service, idempotencyKey: 'k' }
  const first = await add(here, asked)
  await here.run(setServicePrice, { serviceId: service, currency: 'USD', rate: '5' })
  await here.run(updateApiKey, { keyId: holder.keyId, discountPpm: 500_000 })
  for (const desk of [here, late]) {
    const again = await add(desk, { ...asked, actor: await actorOf(desk, holder.key) })
    assert.deepEqual(again, { output: first.output, replayed: true })
  }
  await here.run(updateService(new Set(['simulated'])), { serviceId: service, state: 'paused' })
  for (const desk of [here, late]) {
    const again = await add(desk, { ...asked, actor: await actorOf(desk, holder.key) })
    assert.deepEqual(again, { output: first.output, replayed: true })
    assert.equal(await refusedAs(add(desk, { ...asked, link: 'other' })), 'idempotency_key_reused')
    assert.equal(
      await refusedAs(add(desk, { ...asked, idempotencyKey: 'other' })),
      'service_not_found',
    )
  }
  assert.equal((await ordersOf(holder.accountId)).length, 1)
})

test('a key is one across operations, whichever takes it first', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here)
  const actor = await actorOf(here, holder.key)
  for (let round = 0; round < 10; round++) {
    const { output } = await add(here, { actor, service })
    const idempotencyKey = `race-${round}`
    const cancel = cancelOrders(
      { funnel: late.funnel, drivers: new Map() },
      { actor, input: { orders: [String(output.id)] }, idempotencyKey },
    )
    const both = await Promise.allSettled([
      add(here, { actor, service, idempotencyKey }),
      cancel,
      add(late, { actor, service, idempotencyKey }),
    ])
    const refused = both.filter((one) => one.status === 'rejected')
    const canceled = both[1].status === 'fulfilled'
    for (const { reason } of refused) assert.equal(reason.code, 'idempotency_key_reused')
    assert.equal(refused.length, canceled ? 2 : 1)
  }
})

test('two processes share one wallet to its last millionth', async () => {
  const service = await newService(here, '1')
  const holder = await newKeyHolder(here, { amountMicros: 10_000_000n })
  const desks = [here, late]
  const results = await Promise.all(
    desks.map(async (desk) => {
      const actor = await actorOf(desk, holder.key)
      return Promise.all(
        Array.from({ length: 100 }, () => add(desk, { actor, service }).catch((error) => error)),
      )
    }),
  )
  const refused = results.flat().filter((result) => result instanceof Refusal)
  assert.equal(refused.length, 190)
  assert.deepEqual(new Set(refused.map((one) => one.code)), new Set(['insufficient_funds']))
  assert.equal((await ordersOf(holder.accountId)).length, 10)
  assert.equal(await late.reader.balance(await actorOf(late, holder.key)), 0n)
})
