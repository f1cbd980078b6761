import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { deliveryContract } from '../../../test/kit/delivery-contract.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import type { DeliveryRequest } from '../../core/orders/delivery-driver.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { setSimulatedFault } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { setSimulatedOutcome, simulatedDelivery } from './simulated-delivery.ts'

const CLOCK_STEP_MS = 30_000
let place: TestDatabase
let database: Database
let world: SimulatedWorld
let orderId = 1000n
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

function newRequest(): DeliveryRequest {
  const link = 'https://shop.example'
  return {
    orderId: orderId++,
    serviceId: 1n,
    type: 'Default',
    upstreamService: null,
    quantity: 1000n,
    link,
    params: null,
  }
}

function timePasses(ms: number): void {
  nowMs += ms
}

deliveryContract('simulated', () => ({
  driver: simulatedDelivery(world),
  newRequest,
  complete: async () => timePasses(CLOCK_STEP_MS),
}))

test('a delivery waits, runs with falling remains, and is completed', async () => {
  const driver = simulatedDelivery(world)
  const request = newRequest()
  await driver.submit([request])
  const ref = `sim-${request.orderId}`
  const states: string[] = []
  const remains: bigint[] = []
  for (let second = 0; second <= 24; second += 3) {
    const status = (await driver.status([ref])).get(ref)
    assert.equal(status?.kind, 'known')
    states.push(status.state)
    remains.push(status.remains ?? -1n)
    timePasses(3_000)
  }
  assert.deepEqual([...new Set(states)], ['pending', 'in_progress', 'completed'])
  assert.deepEqual(
    remains,
    remains.toSorted((a, b) => Number(b - a)),
  )
  assert.equal(remains.at(-1), 0n)
})

test('a delivery ends as asked', async () => {
  const driver = simulatedDelivery(world)
  for (const outcome of ['partial', 'failed', 'canceled'] as const) {
    const request = newRequest()
    assert.equal(
      await setSimulatedOutcome(world, request.orderId, { outcome, delivered: 1n }),
      false,
    )
    await driver.submit([request])
    assert.equal(
      await setSimulatedOutcome(world, request.orderId, { outcome, delivered: 300n }),
      true,
    )
    const ref = `sim-${request.orderId}`
    const status = (await driver.status([ref])).get(ref)
    assert.equal(status?.kind, 'known')
    assert.deepEqual([status.state, status.remains], [outcome, 700n])
  }
})

test('faults are taken one a call, also by many at once', async () => {
  const driver = simulatedDelivery(world)
  await setSimulatedFault(database.pool, { operation: 'status', fault: 'error', times: 5 })
  const calls = await Promise.allSettled(Array.from({ length: 20 }, () => driver.status([])))
  assert.equal(calls.filter((call) => call.status === 'rejected').length, 5)
})

test('a timeout has its effect, an error has none, a refusal says so', async () => {
  const driver = simulatedDelivery(world)
  const request = newRequest()
  const ref = `sim-${request.orderId}`
  await setSimulatedFault(database.pool, { operation: 'submit', fault: 'error', times: 1 })
  await assert.rejects(driver.submit([request]))
  assert.equal((await driver.status([ref])).get(ref), undefined)
  await setSimulatedFault(database.pool, { operation: 'submit', fault: 'refuse', times: 1 })
  assert.equal((await driver.submit([request])).get(request.orderId)?.kind, 'refused')
  assert.equal((await driver.status([ref])).get(ref), undefined)
  await setSimulatedFault(database.pool, { operation: 'submit', fault: 'timeout', times: 1 })
  await assert.rejects(driver.submit([request]))
  assert.equal((await driver.status([ref])).get(ref)?.kind, 'known')
})
