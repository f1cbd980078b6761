import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newKeyHolder, newService, openDesk, type TestDesk } from '../../../test/kit/desk.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { KeyActor } from '../actor.ts'
import { placeOrder } from '../orders/place-order.ts'
import { measurePace } from './measure-pace.ts'

let place: TestDatabase
let desk: TestDesk
let actor: KeyActor

before(async () => {
  place = await testDatabase()
  desk = await openDesk(place.connection)
  const { key } = await newKeyHolder(desk)
  actor = (await desk.keys.find(key)) as KeyActor
})
after(async () => {
  await desk?.close()
  await place?.drop()
})

/** An order that ended `agoDays` days ago after `seconds`. */
async function ended(
  service: bigint,
  o: { seconds: number; agoDays?: number; state?: string; unfolds?: boolean },
): Promise<void> {
  const { output } = await placeOrder(desk, {
    actor,
    request: { service: String(service), link: 'https://shop.example', quantity: '100' },
    idempotencyKey: null,
  })
  const remains = o.state === 'canceled' ? 100 : 0
  await desk.database.pool.query(
    `update service_order set state = $2, remains = $3, look_at = null, unfolds = $4,
       ended_at = now() - $5 * interval '1 day',
       created_at = now() - $5 * interval '1 day' - $6 * interval '1 second'
     where id = $1`,
    [output.id, o.state ?? 'completed', remains, o.unfolds ?? false, o.agoDays ?? 1, o.seconds],
  )
}

const measured = () => desk.run(measurePace, { after: '0', limit: 500 })
const averageOf = async (service: bigint) =>
  (await desk.catalogue.again()).byId.get(service)?.averageSeconds

test('the pace of a service is that of the orders completed lately', async () => {
  const service = await newService(desk, '1')
  const other = await newService(desk, '1')
  assert.equal((await measured()).changed, 0)
  assert.equal(await averageOf(service), null)
  await ended(service, { seconds: 3_000 })
  await ended(service, { seconds: 5_000 })
  await ended(service, { seconds: 90_000, state: 'canceled' })
  await ended(service, { seconds: 90_000, unfolds: true })
  await ended(service, { seconds: 90_000, agoDays: 31 })
  assert.equal((await measured()).changed, 1)
  assert.equal(await averageOf(service), 4_000)
  assert.equal(await averageOf(other), null)
})

test('what has hardly moved leaves the catalogue as it is known', async () => {
  const service = await newService(desk, '1')
  await ended(service, { seconds: 600 })
  await measured()
  const { epoch } = await desk.catalogue.again()
  await ended(service, { seconds: 700 })
  assert.equal((await measured()).changed, 0)
  assert.equal((await desk.catalogue.again()).epoch, epoch)
  await ended(service, { seconds: 1_000 })
  assert.equal((await measured()).changed, 1)
  assert.equal(await averageOf(service), 767)
})

test('services are measured some at a time', async () => {
  const first = await desk.run(measurePace, { after: '0', limit: 1 })
  assert.notEqual(first.last, null)
  let { last } = first
  for (let chunks = 0; last !== null && chunks < 100; chunks++) {
    last = (await desk.run(measurePace, { after: last, limit: 1 })).last
  }
  assert.equal(last, null)
})
