import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { assertVerified } from '../../../test/kit/assert-verified.ts'
import { newKeyHolder, newService, openDesk, type TestDesk } from '../../../test/kit/desk.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { KeyActor } from '../actor.ts'
import { updateService } from '../catalogue/update-service.ts'
import { Refusal } from '../refusal.ts'
import type { DeliveryDriver } from './delivery-driver.ts'
import type { OrderRequest } from './order-fields.ts'
import { placeOrder } from './place-order.ts'

let place: TestDatabase
let here: TestDesk
let there: TestDesk

before(async () => {
  place = await testDatabase()
  here = await openDesk(place.connection)
  there = await openDesk(place.connection)
})
after(async () => {
  try {
    await assertVerified(here.database)
  } finally {
    await here?.close()
    await there?.close()
    await place?.drop()
  }
})

const change = updateService(new Set(['simulated']))

async function newActor(): Promise<KeyActor> {
  const { key } = await newKeyHolder(here)
  return (await here.keys.find(key)) as KeyActor
}

async function add(
  desk: TestDesk,
  actor: KeyActor,
  request: OrderRequest,
  idempotencyKey: string | null = null,
): Promise<bigint> {
  const asked = { link: 'https://shop.example', quantity: '100', ...request }
  for (;;) {
    try {
      return (await placeOrder(desk, { actor, request: asked, idempotencyKey })).output.id
    } catch (error) {
      // On a slow machine a wallet may be waited for in vain: then one comes again.
      if (!(error instanceof Refusal) || error.code !== 'unavailable') throw error
    }
  }
}

test('of orders for a link that two processes place at once one is taken', async () => {
  const service = String(await newService(here, '1'))
  await here.run(change, { serviceId: BigInt(service), oneActivePerLink: true })
  const actor = await newActor()
  for (let round = 1; round <= 5; round++) {
    const request = { service, link: `https://shop.example/${round}` }
    const asked = Array.from({ length: 12 }, (_, at) =>
      add(at % 2 === 0 ? here : there, actor, request).then(
        () => 'placed',
        (error: { code: string }) => error.code,
      ),
    )
    const outcomes = await Promise.all(asked)
    assert.deepEqual(
      outcomes.toSorted(),
      [...Array.from({ length: 11 }, () => 'link_active'), 'placed'],
      `round ${round}`,
    )
  }
})

test('a request without the fields of later versions hashes as it always did', async () => {
  const service = String(await newService(here, '1'))
  const id = await add(here, await newActor(), { service }, 'named')
  const fields = [service, 'https://shop.example', '100', ...Array.from({ length: 6 }, () => null)]
  const { rows } = await here.database.pool.query(
    'select request_hash from service_order where id = $1',
    [id],
  )
  assert.equal(
    rows[0].request_hash.toString('hex'),
    createHash('sha256')
      .update(`order.place\0${JSON.stringify(fields)}`)
      .digest('hex'),
  )
})

test('a later field makes another request of it', async () => {
  const service = String(await newService(here, '1'))
  const actor = await newActor()
  await add(here, actor, { service }, 'same')
  await add(here, actor, { service }, 'same')
  await assert.rejects(add(here, actor, { service, media: 'x' }, 'same'), {
    code: 'idempotency_key_reused',
  })
})

test('what no wallet holds and no row could is refused as too dear', async () => {
  const service = await newService(here, '10000')
  await here.run(change, { serviceId: service, maxQuantity: 10 ** 9, canDripfeed: true })
  const request = { service: String(service), quantity: '1000000000', runs: '1000', interval: '1' }
  await assert.rejects(add(here, await newActor(), request), { code: 'insufficient_funds' })
})

test('who follows posts is handed over whole where the provider tells of none', async () => {
  const category = await here.database.pool.query(
    "insert into service_category (name) values ('Series') returning id",
  )
  const service = await here.database.pool.query(
    `insert into service (category_id, name, type, min_quantity, max_quantity, provider,
       created_at, updated_at)
     values ($1, 'Series', 'Custom Comments Package', 1, 100, 'simulated', now(), now())
     returning id`,
    [category.rows[0].id],
  )
  await here.database.pool.query(
    "insert into service_price (service_id, currency, rate) values ($1, 'USD', 1000000)",
    [service.rows[0].id],
  )
  await here.database.pool.query("update epoch set value = value + 1 where name = 'catalogue'")
  const request = {
    service: String(service.rows[0].id),
    link: '',
    quantity: '',
    ...{ username: 'shop', min: '1', max: '5', delay: '0', posts: '3' },
  }
  const simulated = here.drivers.get('simulated')
  assert.ok(simulated)
  const { posts: _, ...blind } = simulated
  const actor = await newActor()
  for (const [driver, unfolds] of [
    [{ ...blind, posts: async () => [] }, true],
    [blind, false],
  ] as const) {
    const drivers = new Map<string, DeliveryDriver>([['simulated', driver]])
    const id = await add({ ...here, drivers }, actor, request)
    const { rows } = await here.database.pool.query(
      'select unfolds, quantity, link from service_order where id = $1',
      [id],
    )
    assert.deepEqual(rows, [{ unfolds, quantity: 15n, link: 'shop' }])
  }
})

/** The order of an account, once its row is there. */
async function rowOf(actor: KeyActor): Promise<bigint> {
  for (;;) {
    const { rows } = await here.database.pool.query(
      'select id from service_order where account_id = $1',
      [actor.accountId],
    )
    if (rows[0] !== undefined) return rows[0].id
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('where the provider is asked first, a repeat waits with the first for its word', async () => {
  const service = await newService(here, '1')
  await here.run(change, { serviceId: service, confirmFirst: true })
  for (const known of ["provider_ref = 'ref'", 'unconfirmed_at = now()']) {
    const actor = await newActor()
    let answered = 0
    const ask = (desk: TestDesk) =>
      add(desk, actor, { service: String(service) }, 'named').finally(() => {
        answered++
      })
    const first = ask(here)
    const id = await rowOf(actor)
    const repeat = ask(there)
    await here.database.pool.query('select pg_sleep(0.2)')
    assert.equal(answered, 0)
    await here.database.pool.query(`update service_order set ${known} where id = $1`, [id])
    assert.deepEqual(await Promise.all([first, repeat]), [id, id])
  }
})

test('a repeat waits for the provider though its service is not sold any more', async () => {
  const service = await newService(here, '1')
  await here.run(change, { serviceId: service, confirmFirst: true })
  const actor = await newActor()
  const first = add(here, actor, { service: String(service) }, 'named')
  const id = await rowOf(actor)
  await here.run(change, { serviceId: service, state: 'paused' })
  await there.catalogue.again()
  let answered = false
  const repeat = add(there, actor, { service: String(service) }, 'named').finally(() => {
    answered = true
  })
  await here.database.pool.query('select pg_sleep(0.2)')
  assert.equal(answered, false)
  await here.database.pool.query("update service_order set provider_ref = 'x' where id = $1", [id])
  assert.deepEqual(await Promise.all([first, repeat]), [id, id])
})

test('a repeat that comes after the waiting has ended is answered at once', async () => {
  const service = await newService(here, '1')
  const actor = await newActor()
  const id = await add(here, actor, { service: String(service) }, 'named')
  await here.run(change, { serviceId: service, confirmFirst: true })
  await here.database.pool.query(
    "update service_order set created_at = created_at - interval '16 seconds' where id = $1",
    [id],
  )
  assert.equal(await add(here, actor, { service: String(service) }, 'named'), id)
})
