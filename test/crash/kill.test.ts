/** Purser and its database are killed under load. Whatever was asked has one effect, or none. */
import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import pg from 'pg'
import { findRunningPostgres } from '../../src/db/embedded/embedded-postgres.ts'
import { postmasterPid } from '../kit/embedded-process.ts'
import { type KeyedLoad, keyedLoad } from '../kit/keyed-load.ts'
import { assertBooksBalance, type SpawnedPurser, spawnTestPurser } from '../kit/purser.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { newCustomer } from '../kit/shop.ts'
import { newTestService, spawnTwo } from '../kit/two-pursers.ts'
import { until } from '../kit/until.ts'

/** Without an address of another, Purser starts a PostgreSQL of its own in its DATA_DIR. */
const own = await spawnTestPurser({ env: { DATABASE_URL: '' } })
after(() => own.stop())

type Row = Record<string, unknown>

async function queryOwn(sql: string, values: unknown[]): Promise<Row[]> {
  const connection = findRunningPostgres(own.dataDir)
  assert.ok(connection, 'its PostgreSQL runs')
  const client = new pg.Client(connection)
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}

async function newLoad(purser: SpawnedPurser, random: Seeded): Promise<KeyedLoad> {
  const customer = await newCustomer(purser, { credit: '100000.00' })
  return keyedLoad(random, {
    accountId: customer.id,
    key: customer.key,
    service: await newTestService(purser, '1.00'),
    creditMicros: 100_000_000_000n,
  })
}

/** Runs `body`; where it fails, the seed to fail again with stands in the report. */
async function withSeed(t: TestContext, body: (random: Seeded) => Promise<void>): Promise<void> {
  const random = seeded()
  try {
    await body(random)
  } catch (error) {
    t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
    throw error
  }
}

test('Purser is killed and started again: one effect each', (t) =>
  withSeed(t, async (random) => {
    const load = await newLoad(own, random)
    for (let round = 0; round < 3; round++) {
      await load.run([own], { loops: 24, answered: 40 + random.int(200) })
      await own.kill('SIGKILL')
      await load.stop()
      await own.restart()
      await load.repeatAll(own)
      await load.check(queryOwn)
      await assertBooksBalance(own)
    }
  }))

/** Waits until another PostgreSQL than the one that was killed answers: that one may still do so. */
async function postgresIsBack(killed: number): Promise<void> {
  const isBack = async () => {
    const pid = postmasterPid(own.dataDir)
    return pid !== undefined && pid !== killed && (await fetch(`${own.url}/readyz`)).status === 200
  }
  await until(isBack, { pollMs: 50, story: () => 'its PostgreSQL was not started again' })
}

test('its PostgreSQL is killed: Purser starts it again and lies to nobody', (t) =>
  withSeed(t, async (random) => {
    const load = await newLoad(own, random)
    for (let round = 0; round < 2; round++) {
      await load.run([own], { loops: 24, answered: 40 + random.int(200) })
      const pid = postmasterPid(own.dataDir)
      assert.ok(pid !== undefined)
      process.kill(pid, 'SIGKILL')
      await postgresIsBack(pid)
      await load.stop()
      for (const { answer } of load.asked) assert.ok(answer, 'every request was answered')
      await load.repeatAll(own)
      await load.check(queryOwn)
      await assertBooksBalance(own)
    }
    assert.equal((await own.kill('SIGTERM')).code, 0)
    await own.restart()
  }))

test('one of two processes is killed: the other goes on, and repeats find the effects', async (t) => {
  const [one, two] = await spawnTwo()
  try {
    await withSeed(t, async (random) => {
      const load = await newLoad(one, random)
      for (let round = 0; round < 2; round++) {
        await load.run([one, two], { loops: 24, answered: 40 + random.int(200) })
        await two.kill('SIGKILL')
        await load.stop()
        await load.repeatAll(one)
        const query = async (sql: string, values: unknown[]) =>
          (await one.pool.query<Row>(sql, values)).rows
        await load.check(query)
        await assertBooksBalance(one)
        await two.restart()
        await load.repeatAll(two)
        await load.check(query)
      }
    })
  } finally {
    await two.stop()
    await one.stop()
  }
})
