import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import { testDatabase } from '../../test/kit/postgres.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'

const ROWS = 200_000
/** The rows are 120 MB as text. */
const GROWTH_BYTES_MAX = 48 << 20
const LOOK_INTERVAL_MS = 50

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The most memory that `body` had in use, garbage apart, beyond what was in use before. */
async function growthOf(body: () => Promise<unknown>): Promise<number> {
  const held = (): number => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = held()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, held())
  }, LOOK_INTERVAL_MS)
  try {
    await body()
  } finally {
    clearInterval(timer)
  }
  return peak - before
}

it('copies a database that is larger than the memory it takes, both ways', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-backup-'))
  const [source, target] = [await testDatabase(), await testDatabase()]
  const client = new pg.Client(source.connection)
  await client.connect()
  try {
    await client.query(
      `insert into event (kind, subject_id, actor_kind, data, created_at)
      select 'test', i, 'system',
        jsonb_build_object('text', md5(i::text) || repeat(md5('x' || i), 17)), now()
      from generate_series(1, $1::integer) i`,
      [ROWS],
    )
    const file = join(folder, 'large')
    const log = (): void => {}
    const backupGrowth = await growthOf(() => backup({ connection: source.connection, file, log }))
    assert.ok(backupGrowth < GROWTH_BYTES_MAX, `the backup held ${backupGrowth} bytes`)
    const restoreGrowth = await growthOf(() =>
      restore({ connection: target.connection, file, log }),
    )
    assert.ok(restoreGrowth < GROWTH_BYTES_MAX, `the restoration held ${restoreGrowth} bytes`)
    const copy = new pg.Client(target.connection)
    await copy.connect()
    const sum = 'select count(*), sum(hashtextextended(t::text, 0)) from event t'
    const restored = await copy.query(sum)
    await copy.end()
    assert.deepEqual(restored.rows, (await client.query(sum)).rows)
  } finally {
    await client.end()
    await source.drop()
    await target.drop()
    await rm(folder, { recursive: true, force: true })
  }
})
