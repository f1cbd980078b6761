import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/kit/postgres.ts'
import { backup } from './backup.ts'
import { restore } from './restore.ts'

const ROWS = 200_000
/** What the rows are as text, at the least. */
const DATA_BYTES = ROWS * 600
const GROWTH_BYTES_MAX = 64 << 20

/** The most memory that `body` held beyond what was held before, looked at every few ms. */
async function growthOf(body: () => Promise<unknown>): Promise<number> {
  const held = (): number => {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const before = held()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, held())
  }, 5)
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
    // Random digits, so that compression does not hide what passes through.
    await client.query(
      `insert into event (kind, subject_id, actor_kind, data, created_at)
      select 'test', i, 'system', jsonb_build_object('text', (
        select string_agg(md5(i::text || j), '') from generate_series(1, 18) j)), now()
      from generate_series(1, $1::integer) i`,
      [ROWS],
    )
    const file = join(folder, 'large')
    const log = (): void => {}
    const backupGrowth = await growthOf(() => backup({ connection: source.connection, file, log }))
    assert.ok((await stat(file)).size > DATA_BYTES / 3)
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
