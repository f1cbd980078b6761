/** What every compute driver has to pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ComputeAnswer, ComputeDriver } from '../../src/core/servers/compute-driver.ts'

export interface ComputeUnderTest {
  readonly driver: ComputeDriver
  /** A server that the provider has and that is switched on, not given out before. */
  newRef(): Promise<string>
}

const UNTIL = new Date('2031-02-28T22:00:00Z')
const LATER = new Date('2031-03-31T21:00:00Z')

/** `subject` is asked for inside each test, so that a suite can open its database first. */
export function computeContract(name: string, subject: () => ComputeUnderTest): void {
  test(`${name}: an extension is a state to be reached, however often and late it is asked`, async () => {
    const { driver, newRef } = subject()
    const ref = await newRef()
    for (const until of [UNTIL, UNTIL, LATER, UNTIL]) {
      assert.deepEqual(done(await driver.extend([{ ref, until }])), [ref])
    }
    const together = await Promise.all([1, 2, 3].map(() => driver.extend([{ ref, until: LATER }])))
    for (const answers of together) assert.deepEqual(done(answers), [ref])
  })

  test(`${name}: many servers are answered each by its ref`, async () => {
    const { driver, newRef } = subject()
    const refs = await Promise.all(Array.from({ length: 500 }, newRef))
    const requests = refs.map((ref) => ({ ref, until: UNTIL }))
    assert.deepEqual(done(await driver.extend(requests)), refs.toSorted())
    const statuses = await driver.status(refs)
    assert.deepEqual([...statuses.keys()].sort(), refs.toSorted())
  })

  test(`${name}: a suspended server does not run, and runs again once it is resumed`, async () => {
    const { driver, newRef } = subject()
    const [ref, other] = [await newRef(), await newRef()]
    const power = async () => (await driver.status([ref])).get(ref)?.power
    assert.equal(await power(), 'running')
    const both = [
      { ref, suspended: true },
      { ref: other, suspended: false },
    ]
    assert.deepEqual(done(await driver.setSuspended(both)), [ref, other].sort())
    assert.equal(await power(), 'stopped')
    assert.equal((await driver.status([other])).get(other)?.power, 'running')
    await driver.setSuspended(both)
    assert.equal(await power(), 'stopped')
    for (let time = 0; time < 2; time++) {
      await driver.setSuspended([{ ref, suspended: false }])
      assert.equal(await power(), 'running')
    }
  })

  test(`${name}: a suspended server can be extended, and stays suspended`, async () => {
    const { driver, newRef } = subject()
    const ref = await newRef()
    await driver.setSuspended([{ ref, suspended: true }])
    assert.deepEqual(done(await driver.extend([{ ref, until: LATER }])), [ref])
    assert.equal((await driver.status([ref])).get(ref)?.power, 'stopped')
  })

  test(`${name}: what is measured is within its bounds`, async () => {
    const { driver, newRef } = subject()
    const refs = await Promise.all(Array.from({ length: 20 }, newRef))
    for (const status of (await driver.status(refs)).values()) {
      assert.ok(Number.isSafeInteger(status.uptimeSeconds) && status.uptimeSeconds >= 0)
      assert.ok(status.cpuPercent >= 0 && status.cpuPercent <= 100, String(status.cpuPercent))
      assert.ok(status.memoryUsedMb > 0 && status.diskUsedGb > 0)
      assert.ok(status.trafficInMb >= 0 && status.trafficOutMb >= 0)
    }
  })

  test(`${name}: nothing asked is nothing answered`, async () => {
    const { driver } = subject()
    assert.equal((await driver.extend([])).size, 0)
    assert.equal((await driver.setSuspended([])).size, 0)
    assert.equal((await driver.status([])).size, 0)
  })
}

/** The refs that were answered `done`, sorted; no other answer may be among them. */
function done(answers: ReadonlyMap<string, ComputeAnswer>): string[] {
  for (const [ref, answer] of answers) assert.equal(answer.kind, 'done', ref)
  return [...answers.keys()].sort()
}
