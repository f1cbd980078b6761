/** How Purser itself reaches its server. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { StartupError } from '../../lib/startup-error.ts'
import { USER } from './cluster-place.ts'
import { passwordFileOf } from './create-cluster.ts'
import type { PostmasterFile } from './postmaster-process.ts'
import type { Endpoint } from './socket-directory.ts'

const DATABASE = 'purser'
const CONNECT_TIMEOUT_MS = 10_000
const UNKNOWN_DATABASE = '3D000'
const CANNOT_CONNECT_NOW = '57P03'

/** What pg.Pool takes. The host is a socket directory or 127.0.0.1. */
export interface EmbeddedConnection {
  host: string
  port: number
  user: string
  password: string
  database: string
}

export function connectionTo(endpoint: Endpoint, dataDir: string): EmbeddedConnection {
  return {
    host: endpoint.kind === 'socket' ? endpoint.directory : '127.0.0.1',
    port: endpoint.port,
    user: USER,
    password: readPassword(dataDir),
    database: DATABASE,
  }
}

export function endpointOf(file: PostmasterFile): Endpoint {
  return file.socketDirectory
    ? { kind: 'socket', directory: file.socketDirectory, port: file.port }
    : { kind: 'loopback', port: file.port }
}

/** Proves that the server answers to our password, and makes the database of a first start. */
export async function ensureDatabase(connection: EmbeddedConnection): Promise<void> {
  try {
    await queryValue(connection, 'SELECT 1 AS value')
  } catch (error) {
    if (codeOf(error) !== UNKNOWN_DATABASE) throw error
    await queryValue({ ...connection, database: 'postgres' }, `CREATE DATABASE ${DATABASE}`)
  }
}

export interface ServerIdentity {
  readonly dataDirectory: string
  readonly version: string
}

/** Undefined when the server does not answer to our password within `timeoutMs`. */
export async function identifyServer(
  connection: EmbeddedConnection,
  timeoutMs: number,
): Promise<ServerIdentity | undefined> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      const postgres = { ...connection, database: 'postgres' }
      const text = await queryValue(
        postgres,
        `SELECT json_build_object('dataDirectory', current_setting('data_directory'),
                                  'version', current_setting('server_version')) AS value`,
      )
      return text as ServerIdentity
    } catch (error) {
      if (codeOf(error) !== CANNOT_CONNECT_NOW || Date.now() > deadline) return undefined
      await sleep(100)
    }
  }
}

async function queryValue(connection: EmbeddedConnection, sql: string): Promise<unknown> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => {}) // A connection that breaks later: the query has told already.
  try {
    await client.connect()
    const result = await client.query<{ value: unknown }>(sql)
    return result.rows[0]?.value
  } finally {
    await client.end().catch(() => {})
  }
}

function readPassword(dataDir: string): string {
  const file = passwordFileOf(dataDir)
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new StartupError(
      `Cannot read the database password ${file}: ${(error as Error).message}. ` +
        'Put the file back from a copy of DATA_DIR.',
    )
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code
}
