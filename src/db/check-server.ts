import pg from 'pg'
import { StartupError } from '../lib/startup-error.ts'

const VERSION_MIN = 160_000

/**
 * Refuses a PostgreSQL that could lose or repeat money: too old, `fsync` off (unless
 * `allowFsyncOff`, for tests), or behind a pooler that hands out connections by transaction.
 */
export async function checkServer(
  connection: pg.ClientConfig,
  o: { allowFsyncOff: boolean },
): Promise<void> {
  const first = new pg.Client(connection)
  const second = new pg.Client(connection)
  first.on('error', () => {})
  second.on('error', () => {})
  try {
    await Promise.all([first.connect(), second.connect()])
    const { rows } = await first.query<{ version: number; fsync: string }>(
      `select current_setting('server_version_num')::int as version,
        current_setting('fsync') as fsync`,
    )
    const server = rows[0]
    if (server === undefined || server.version < VERSION_MIN) {
      throw new StartupError('DATABASE_URL: PostgreSQL 16 or newer is needed')
    }
    if (server.fsync !== 'on' && !o.allowFsyncOff) {
      throw new StartupError(
        'DATABASE_URL: the server has fsync=off, which loses money; turn it on',
      )
    }
    if (await isPooledByTransaction(first, second)) {
      throw new StartupError(
        'DATABASE_URL: a pooler hands out connections by transaction; use session pooling or none',
      )
    }
  } catch (error) {
    if (error instanceof StartupError) throw error
    throw new StartupError(
      `DATABASE_URL: the database cannot be reached (${(error as Error).message})`,
    )
  } finally {
    await Promise.allSettled([first.end(), second.end()])
  }
}

/** While the second holds a transaction, the first no longer finds what it had set. */
async function isPooledByTransaction(first: pg.Client, second: pg.Client): Promise<boolean> {
  await first.query("select set_config('purser.probe', 'first', false)")
  await second.query('begin')
  await second.query("select set_config('purser.probe', 'second', false)")
  const { rows } = await first.query<{ probe: string | null }>(
    "select current_setting('purser.probe', true) as probe",
  )
  await second.query('rollback')
  return rows[0]?.probe !== 'first'
}
