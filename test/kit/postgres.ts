/**
 * A migrated database of its own for a test file, cloned from a template. The server is the one
 * of the whole run (global-setup.ts), or one of the file's own when it is run by hand.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { startTestServer, type TestConnection } from './postgres-server.ts'

const TEMPLATE = 'purser_template'
const TEMPLATE_LOCK = 7078

export interface TestDatabase {
  readonly url: string
  readonly connection: TestConnection
  drop(): Promise<void>
}

let ownServer: Promise<TestConnection> | undefined

export async function testDatabase(): Promise<TestDatabase> {
  const given = process.env.PURSER_TEST_PG
  ownServer ??= given ? Promise.resolve(JSON.parse(given)) : startOwnServer()
  const server = await ownServer
  const database = `test_${process.pid}_${randomBytes(4).toString('hex')}`
  await onServer(server, async (client) => {
    await ensureTemplate(client, server)
    await whenLeft(client, `CREATE DATABASE ${database} TEMPLATE ${TEMPLATE}`)
  })
  const connection = { ...server, database }
  return {
    connection,
    url: urlOf(connection),
    drop: () =>
      onServer(server, async (client) => {
        await whenLeft(client, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      }),
  }
}

const STILL_IN_USE = '55006'
const LEFT_WITHIN_MS = 60_000

/**
 * Does what a database must be left for. PostgreSQL itself waits five seconds for whoever it has
 * sent away, which are not enough on a machine that is busy with something else.
 */
async function whenLeft(client: pg.Client, text: string): Promise<void> {
  for (const deadline = Date.now() + LEFT_WITHIN_MS; ; await pause(100)) {
    try {
      await client.query(text)
      return
    } catch (error) {
      const isInUse = (error as { code?: string }).code === STILL_IN_USE
      if (!isInUse || Date.now() > deadline) throw error
    }
  }
}

/** Stopped once nothing else keeps the process alive: after the last hook of the file. */
async function startOwnServer(): Promise<TestConnection> {
  const server = await startTestServer()
  process.once('beforeExit', () => void server.stop())
  return server.connection
}

/** Built under another name and renamed, so that a migration that fails leaves no template. */
async function ensureTemplate(client: pg.Client, server: TestConnection): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [TEMPLATE])
  if (found.rowCount === 0) {
    const building = `${TEMPLATE}_new`
    await client.query(`DROP DATABASE IF EXISTS ${building} WITH (FORCE)`)
    await client.query(`CREATE DATABASE ${building}`)
    await migrate({ ...server, database: building })
    await client.query(`ALTER DATABASE ${building} WITH ALLOW_CONNECTIONS false`)
    await client.query(`ALTER DATABASE ${building} RENAME TO ${TEMPLATE}`)
  }
  await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK])
}

async function onServer<T>(
  server: TestConnection,
  body: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...server, database: 'postgres' })
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.end()
  }
}

function urlOf(connection: TestConnection): string {
  const { user, password, port, database, host } = connection
  const login = `${user}:${encodeURIComponent(password)}`
  if (!host.startsWith('/')) return `postgresql://${login}@${host}:${port}/${database}`
  return `postgresql://${login}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}
