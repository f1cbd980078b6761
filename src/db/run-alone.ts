import type pg from 'pg'

/**
 * Runs `body` while no other process runs anything under this advisory lock; undefined where one
 * does. A process that dies gives the lock up with its connection.
 */
export async function runAlone<T>(
  pool: pg.Pool,
  lock: number,
  body: () => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect()
  let held = true
  try {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1) as taken',
      [lock],
    )
    held = rows[0]?.taken === true
    if (!held) return undefined
    try {
      return await body()
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lock])
      held = false
    }
  } finally {
    // A connection that may still hold the lock is not for others.
    client.release(held)
  }
}
