import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { computeContract } from '../../../test/kit/compute-contract.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { type Database, openDatabase } from '../../db/database.ts'
import { ShiftedClock } from '../../lib/clock.ts'
import { setSimulatedFault } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { setSimulatedPower, simulatedCompute } from './simulated-compute.ts'

let place: TestDatabase
let database: Database
let world: SimulatedWorld & { clock: ShiftedClock }
let refs = 0
const until = new Date('2031-01-31T22:00:00Z')

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  world = { pool: database.pool, clock: new ShiftedClock() }
})
after(async () => {
  await database?.close()
  await place?.drop()
})

const newRef = async () => `sim-${++refs}`
const DAY_MS = 86_400_000

/** Lets the clock stand at `text` and go on from there. */
function timeIs(text: string): void {
  world.clock.shiftTo(Date.parse(text) - Date.now())
}

async function paidUntil(ref: string): Promise<Date | null | undefined> {
  const { rows } = await database.pool.query<{ paid_until: Date | null }>(
    'select paid_until from simulated_server where ref = $1',
    [ref],
  )
  return rows[0]?.paid_until
}

async function isSuspended(ref: string): Promise<boolean | undefined> {
  const { rows } = await database.pool.query<{ is_suspended: boolean }>(
    'select is_suspended from simulated_server where ref = $1',
    [ref],
  )
  return rows[0]?.is_suspended
}

computeContract('simulated', () => ({ driver: simulatedCompute(world), newRef }))

test('faults are taken one a server, in the order asked', async () => {
  const driver = simulatedCompute(world)
  const five = await Promise.all([1, 2, 3, 4, 5].map(newRef))
  const requests = five.map((ref) => ({ ref, until }))
  for (const [fault, kind, extended] of [
    ['refuse', 'refused', false],
    ['error', 'unknown', false],
    ['timeout', 'unknown', true],
  ] as const) {
    await database.pool.query('delete from simulated_server')
    await setSimulatedFault(database.pool, { operation: 'extend', fault, times: 2 })
    const answers = await driver.extend(requests)
    const kinds = five.map((ref) => answers.get(ref)?.kind)
    assert.deepEqual(kinds, [kind, kind, 'done', 'done', 'done'], fault)
    const paid = await Promise.all(five.map(paidUntil))
    const before = extended ? until : undefined
    assert.deepEqual(paid, [before, before, until, until, until], fault)
    const again = await driver.extend(requests)
    assert.ok(five.every((ref) => again.get(ref)?.kind === 'done'))
  }
})

test('what was done is not refused afterwards, though its answer was lost', async () => {
  const driver = simulatedCompute(world)
  const [ref, other] = [await newRef(), await newRef()]
  const answerTo = async (fault: 'timeout' | 'refuse', asked: string, to: Date) => {
    await setSimulatedFault(database.pool, { operation: 'extend', fault, times: 1 })
    return (await driver.extend([{ ref: asked, until: to }])).get(asked)?.kind
  }
  assert.equal(await answerTo('timeout', ref, until), 'unknown')
  assert.equal(await answerTo('refuse', ref, until), 'done')
  assert.equal(await answerTo('refuse', other, until), 'refused')
  const later = new Date(until.getTime() + DAY_MS)
  assert.equal(await answerTo('refuse', ref, later), 'refused')
  assert.deepEqual(await paidUntil(ref), until)
  assert.equal(await paidUntil(other), undefined)
})

test('faults of a number are taken by calls at once, that many in all', async () => {
  const driver = simulatedCompute(world)
  await setSimulatedFault(database.pool, { operation: 'suspend', fault: 'refuse', times: 7 })
  const calls = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const asked = [await newRef(), await newRef()]
      return await driver.setSuspended(asked.map((ref) => ({ ref, suspended: true })))
    }),
  )
  const answers = calls.flatMap((answer) => [...answer])
  const refused = answers.filter(([, answer]) => answer.kind === 'refused')
  assert.equal(refused.length, 7)
  for (const [ref, answer] of answers) {
    assert.equal(await isSuspended(ref), answer.kind === 'done' ? true : undefined, ref)
  }
})

test('a status that was made to fail is missing, and the next is not', async () => {
  const driver = simulatedCompute(world)
  const two = [await newRef(), await newRef()]
  await setSimulatedFault(database.pool, { operation: 'server_status', fault: 'error', times: 1 })
  assert.deepEqual([...(await driver.status(two)).keys()], [two[1]])
  assert.equal((await driver.status(two)).size, 2)
})

test('what is measured follows from the ref and the time', async () => {
  const driver = simulatedCompute(world)
  const ref = await newRef()
  timeIs('2031-03-10T00:00:00Z')
  await driver.status([ref])
  const days: number[] = []
  const loads = new Set<number>()
  for (let day = 11; day <= 20; day++) {
    timeIs(`2031-03-${day}T00:10:00Z`)
    const status = (await driver.status([ref])).get(ref)
    assert.ok(status)
    assert.ok(Math.abs(status.uptimeSeconds - ((day - 10) * DAY_MS) / 1000 - 600) <= 60)
    days.push(status.trafficInMb + status.trafficOutMb)
    timeIs(`2031-03-${day}T00:50:00Z`)
    loads.add((await driver.status([ref])).get(ref)?.cpuPercent ?? -1)
    loads.add(status.cpuPercent)
  }
  assert.deepEqual(
    days,
    days.toSorted((a, b) => a - b),
  )
  assert.ok(new Set(days).size === days.length)
  assert.ok(loads.size > 1)
  // The traffic of a month begins with the month.
  timeIs('2031-04-01T01:00:00Z')
  const next = (await driver.status([ref])).get(ref)
  assert.ok(next && next.trafficInMb + next.trafficOutMb < (days[0] ?? 0))
})

test('a server that is switched off stands still until it is switched on', async () => {
  const driver = simulatedCompute(world)
  const ref = await newRef()
  timeIs('2031-05-03T00:00:00Z')
  await setSimulatedPower(world, ref, 'stopped')
  timeIs('2031-05-04T00:00:00Z')
  await setSimulatedPower(world, ref, 'stopped')
  const off = (await driver.status([ref])).get(ref)
  assert.ok(off)
  assert.deepEqual([off.power, off.uptimeSeconds, off.cpuPercent], ['stopped', 0, 0])
  timeIs('2031-05-09T00:00:00Z')
  const later = (await driver.status([ref])).get(ref)
  assert.equal(later?.trafficOutMb, off.trafficOutMb)
  await setSimulatedPower(world, ref, 'running')
  timeIs('2031-05-10T00:00:00Z')
  const on = (await driver.status([ref])).get(ref)
  assert.ok(on && Math.abs(on.uptimeSeconds - DAY_MS / 1000) <= 60)
  assert.ok(on.trafficOutMb > off.trafficOutMb)
})
