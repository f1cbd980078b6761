import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { setSimulatedFault } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { setSimulatedOutcome, simulatedDelivery } from './simulated-delivery.ts'
import { setSimulatedRefill, simulatedRefills } from './simulated-refills.ts'

let place: TestDatabase
let database: Database
let world: SimulatedWorld
let orderId = 1000n
let refillId = 1n
/** The clock stands still unless it is told to go on: no machine is too slow for it. */
let nowMs = Date.now()

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  world = { pool: database.pool, clock: { now: () => new Date(nowMs) } }
})
after(async () => {
  await database.close()
  await place.drop()
})

function timePasses(ms: number): void {
  nowMs += ms
}

/** What to ask for a refill of a delivery that runs, or has ended. */
async function request(outcome?: 'completed' | 'partial' | 'failed') {
  const id = orderId++
  const kind = { serviceId: 1n, type: 'Default', upstreamService: null, params: null } as const
  const link = 'https://shop.example'
  await simulatedDelivery(world).submit([{ orderId: id, quantity: 100n, link, ...kind }])
  if (outcome) await setSimulatedOutcome(world, id, { outcome, delivered: 50n })
  return { refillId: refillId++, orderId: id, orderRef: `sim-${id}` }
}

async function stateOf(ref: string): Promise<string | undefined> {
  const status = (await simulatedRefills(world).refillStatus([ref])).get(ref)
  return status?.kind === 'known' ? status.state : undefined
}

test('a refill waits, runs and is completed, once however often it is asked for', async () => {
  const asked = await request('completed')
  const { refill } = simulatedRefills(world)
  const [answer] = await refill([asked])
  assert.equal(answer?.kind, 'accepted')
  assert.deepEqual(await Promise.all([refill([asked]), refill([asked])]), [[answer], [answer]])
  assert.equal(await stateOf(answer.ref), 'pending')
  timePasses(4_000)
  assert.equal(await stateOf(answer.ref), 'in_progress')
  timePasses(10_000)
  assert.equal(await stateOf(answer.ref), 'completed')
})

test('each is answered in its place, and what was not delivered is refused', async () => {
  const asked = await Promise.all([
    request('failed'),
    request('partial'),
    request(),
    request('completed'),
  ])
  const foreign = { ...(await request('completed')), orderRef: 'sim-1' }
  const answers = await simulatedRefills(world).refill([...asked, foreign])
  assert.deepEqual(
    answers.map((answer) => answer.kind),
    ['refused', 'accepted', 'refused', 'accepted', 'refused'],
  )
})

test('a refill ends as asked, and an unknown ref spoils nothing for its neighbours', async () => {
  const asked = await request('completed')
  assert.equal(await setSimulatedRefill(world, asked.refillId, 'rejected'), false)
  const [answer] = await simulatedRefills(world).refill([asked])
  assert.equal(answer?.kind, 'accepted')
  assert.equal(await setSimulatedRefill(world, asked.refillId, 'rejected'), true)
  const refs = ['sim-refill-9-9', 'nonsense', answer.ref]
  const statuses = await simulatedRefills(world).refillStatus(refs)
  assert.deepEqual([...statuses], [[answer.ref, { kind: 'known', state: 'rejected' }]])
})

test('a timeout has its effect, an error has none, a refusal says so', async () => {
  const asked = await request('completed')
  const ref = `sim-refill-${asked.refillId}-${asked.orderId}`
  const { refill } = simulatedRefills(world)
  const next = (fault: 'error' | 'refuse' | 'timeout') =>
    setSimulatedFault(database.pool, { operation: 'refill', fault, times: 1 })
  await next('error')
  await assert.rejects(refill([asked]))
  await next('refuse')
  assert.equal((await refill([asked]))[0]?.kind, 'refused')
  assert.equal(await stateOf(ref), undefined)
  await next('timeout')
  await assert.rejects(refill([asked]))
  assert.equal(await stateOf(ref), 'pending')
})
