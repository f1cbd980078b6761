import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { readConfig } from '../../src/config.ts'
import { types } from '../../src/db/types.ts'
import { startPurser } from '../../src/purser.ts'
import { type Answer, readAnswer } from './answer.ts'
import { ownPort } from './own-port.ts'
import { testDatabase } from './postgres.ts'

/** `$DATA_DIR/demo.json`, as far as tests need it. */
export interface Demo {
  readonly url: string
  readonly operator: { email: string; password: string; api_key: string }
  readonly customers: readonly DemoCustomer[]
  /** Service ids by type. */
  readonly services: Readonly<Record<string, string>>
  /** Three of the first customer: with an unpaid renewal, without, suspended; the other's. */
  readonly servers: readonly DemoServer[]
}

export interface DemoServer {
  readonly id: string
  readonly public_id: string
  readonly customer_id: string
  readonly unpaid_invoice_id: string | null
}

export interface DemoCustomer {
  readonly id: string | number
  readonly email: string
  readonly currency: string
  readonly keys: { full: string; read: string; discount10: string; legacy_errors: string }
}

export type Fields = Readonly<Record<string, string | number>>

/** `key` null sends none; left out, it is the first demo customer's full key. */
export interface PanelOptions {
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface AdminOptions {
  /** An operator's key, or null for none; left out, the demo operator's. */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** A Purser over HTTP, and a way into its database for looking at the rows behind an answer. */
export interface PurserClient {
  readonly url: string
  readonly demo: Demo
  readonly pool: pg.Pool
  panel(fields: Fields, o?: PanelOptions): Promise<Answer>
  panelbon(fields: Fields, o?: PanelOptions): Promise<Answer>
  crownpanel(fields: Fields, o?: PanelOptions): Promise<Answer>
  admin(method: string, path: string, body?: unknown, o?: AdminOptions): Promise<Answer>
}

export interface TestPurser extends PurserClient {
  stop(): Promise<void>
}

type Environment = Readonly<Record<string, string>>

/** A Purser in this process, with the demo shop, on a database of its own. */
export async function startTestPurser(o: { env?: Environment } = {}): Promise<TestPurser> {
  const place = await newPlace()
  try {
    const purser = await startPurser(readConfig({ ...place.env, PORT: '0', ...o.env }))
    const client = await connect(purser.url, place)
    return {
      ...client,
      async stop() {
        await purser.stop()
        await client.pool.end()
        await place.remove()
      },
    }
  } catch (error) {
    await place.remove()
    throw error
  }
}

export interface SpawnedPurser extends PurserClient {
  readonly dataDir: string
  /** What the process has printed so far, this start and earlier ones. */
  output(): string
  /** Sends a signal to the whole process group and waits for the process to end. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<{ code: number | null }>
  /** Starts the same command again: same port, DATA_DIR and database. */
  restart(): Promise<void>
  /** Ends the process and, unless another Purser was given them, its folder and database. */
  stop(): Promise<void>
}

/**
 * A Purser as `node bin/purser.mjs serve`, leader of its own process group. `beside` makes it a
 * second process on another one's database (with a DATA_DIR of its own).
 */
export async function spawnTestPurser(
  o: { env?: Environment; beside?: SpawnedPurser } = {},
): Promise<SpawnedPurser> {
  const place = await newPlace(o.beside ? placeOf.get(o.beside) : undefined)
  // Known beforehand, so that a restart keeps it.
  const port = await ownPort()
  const env = { ...process.env, ...place.env, PORT: String(port), ...o.env }
  const url = `http://127.0.0.1:${port}`
  const printed: string[] = []
  let child: ChildProcess
  let client: PurserClient
  try {
    child = await launch(env, url, printed)
    client = await connect(url, o.beside ? { ...place, demo: o.beside.demo } : place)
  } catch (error) {
    await place.remove()
    throw error
  }
  const purser: SpawnedPurser = {
    ...client,
    dataDir: place.dataDir,
    output: () => printed.join(''),
    kill: (signal) => end(child, signal),
    async restart() {
      child = await launch(env, url, printed)
    },
    async stop() {
      await end(child, 'SIGTERM')
      await client.pool.end()
      await place.remove()
    },
  }
  placeOf.set(purser, place)
  return purser
}

/**
 * Every check of the books, from the first transfer on. A check that is broken is named in the
 * failure.
 */
export async function assertBooksBalance(purser: PurserClient): Promise<void> {
  const verified = await purser.admin('POST', '/ledger/verify', { all: true })
  assert.equal(verified.status, 200, verified.text)
  const { ok, checks } = verified.json as {
    ok: boolean
    checks: { name: string; ok: boolean; breaches: unknown[] }[]
  }
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  )
  assert.equal(ok, true)
  const balance = await purser.admin('GET', '/ledger/trial-balance')
  assert.equal(balance.status, 200, balance.text)
  assert.equal((balance.json as { ok: boolean }).ok, true, balance.text)
}

/** Where a Purser lives: its database and its folder. */
interface Place {
  readonly databaseUrl: string
  readonly dataDir: string
  readonly demo?: Demo
  readonly env: Environment
  remove(): Promise<void>
}

const placeOf = new WeakMap<SpawnedPurser, Place>()

async function newPlace(shared?: Place): Promise<Place> {
  const database = shared ? null : await testDatabase()
  const databaseUrl = shared?.databaseUrl ?? database?.url ?? ''
  const dataDir = await mkdtemp(join(tmpdir(), 'purser-test-'))
  return {
    databaseUrl,
    dataDir,
    env: {
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      DATABASE_URL: databaseUrl,
      DEMO: '1',
      RATE_LIMIT_PER_MINUTE: '0',
      LOG_LEVEL: 'silent',
      PURSER_ALLOW_FSYNC_OFF: '1',
      // Processes that share a database share it.
      PURSER_SECRET_KEY: '5a'.repeat(32),
    },
    async remove() {
      await database?.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function connect(url: string, place: Place): Promise<PurserClient> {
  const demo =
    place.demo ?? (JSON.parse(await readFile(join(place.dataDir, 'demo.json'), 'utf8')) as Demo)
  const pool = new pg.Pool({ connectionString: place.databaseUrl, types, max: 4 })
  pool.on('error', () => {})
  return {
    url,
    demo,
    pool,
    panel: (fields, o) => postForm(`${url}/api/v2`, { demo, fields, ...o }),
    panelbon: (fields, o) => postForm(`${url}/app/api/v2`, { demo, fields, ...o }),
    crownpanel: (fields, o) => postForm(`${url}/`, { demo, fields, keyField: 'API_KEY', ...o }),
    async admin(method, path, body, o = {}) {
      const key = o.key === undefined ? demo.operator.api_key : o.key
      return readAnswer(
        await fetch(`${url}/admin/v1${path}`, {
          method,
          headers: {
            ...(key === null ? {} : { authorization: `Bearer ${key}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...o.headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    },
  }
}

async function postForm(
  url: string,
  o: PanelOptions & { readonly demo: Demo; readonly fields: Fields; readonly keyField?: string },
): Promise<Answer> {
  const key = o.key === undefined ? o.demo.customers[0]!.keys.full : o.key
  const body = new URLSearchParams(key === null ? {} : { [o.keyField ?? 'key']: key })
  for (const [name, value] of Object.entries(o.fields)) body.append(name, String(value))
  return readAnswer(await fetch(url, { method: 'POST', body, headers: { ...o.headers } }))
}

const COMMAND = fileURLToPath(new URL('../../bin/purser.mjs', import.meta.url))
const READY_WITHIN_MS = 120_000
const READY_POLL_MS = 50

async function launch(
  env: NodeJS.ProcessEnv,
  url: string,
  printed: string[],
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [COMMAND, 'serve'], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  // A test that dies must not leave a server behind; a signal alone runs no exit handlers.
  if (process.listenerCount('SIGTERM') === 0) process.once('SIGTERM', () => process.exit(143))
  const reap = () => signalGroup(child, 'SIGKILL')
  process.once('exit', reap)
  child.once('exit', () => process.off('exit', reap))
  const deadline = Date.now() + READY_WITHIN_MS
  while (!(await isReady(url))) {
    const gone = child.exitCode !== null || child.signalCode !== null
    if (gone || Date.now() > deadline) {
      signalGroup(child, 'SIGKILL')
      throw new Error(`purser did not become ready:\n${printed.join('')}`)
    }
    await pause(READY_POLL_MS)
  }
  return child
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`)
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<{ code: number | null }> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    signalGroup(child, signal)
    await exited
  }
  return { code: child.exitCode }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // The group has ended already: there is nobody left to signal.
    if ((error as { code?: string }).code !== 'ESRCH') throw error
  }
}
