import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cardContract } from '../../../test/kit/card-contract.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { ShiftedClock } from '../../lib/clock.ts'
import { setSimulatedFault } from '../simulated-faults.ts'
import { simulatedCards } from './simulated-cards.ts'

let place: TestDatabase
let database: Database
let numbers = 1000n

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
})
after(async () => {
  await database?.close()
  await place?.drop()
})

const gateway = () => simulatedCards({ pool: database.pool, clock: new ShiftedClock() })
const newCharge = () => ({
  chargeId: numbers++,
  cardRef: 'card-1',
  amountMicros: 4_370_000n,
  currency: 'USD',
})

async function taken(chargeId: bigint): Promise<{ times: number; amountMicros: bigint }> {
  const { rows } = await database.pool.query<{ times: bigint; amount: bigint }>(
    `select count(*) as times, coalesce(sum(amount), 0)::bigint as amount
     from simulated_charge where charge_id = $1 and amount > 0`,
    [chargeId],
  )
  return { times: Number(rows[0]?.times), amountMicros: rows[0]?.amount ?? 0n }
}

cardContract('simulated', () => ({ gateway: gateway(), newCharge, taken }))

test('a refusal is for good, also for those who ask later', async () => {
  const charge = newCharge()
  await setSimulatedFault(database.pool, { operation: 'charge', fault: 'refuse', times: 1 })
  const cards = gateway()
  assert.equal((await cards.charge(charge)).kind, 'declined')
  assert.equal((await cards.charge(charge)).kind, 'declined')
  assert.equal((await taken(charge.chargeId)).times, 0)
  assert.equal((await cards.charge(newCharge())).kind, 'charged')
})

test('a refusal does not undo what was charged', async () => {
  const charge = newCharge()
  await gateway().charge(charge)
  await setSimulatedFault(database.pool, { operation: 'charge', fault: 'refuse', times: 1 })
  assert.equal((await gateway().charge(charge)).kind, 'charged')
})

test('a timeout has charged, an error has not', async () => {
  for (const [fault, times] of [
    ['timeout', 1],
    ['error', 0],
  ] as const) {
    const charge = newCharge()
    await setSimulatedFault(database.pool, { operation: 'charge', fault, times: 1 })
    await assert.rejects(gateway().charge(charge))
    assert.equal((await taken(charge.chargeId)).times, times, fault)
    assert.equal((await gateway().charge(charge)).kind, 'charged')
    assert.equal((await taken(charge.chargeId)).times, 1, fault)
  }
})
