import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase } from '../src/db/database.ts'
import { clusterDirOf } from '../src/db/embedded/cluster-place.ts'
import type { EmbeddedConnection } from '../src/db/embedded/embedded-connection.ts'
import { findRunningPostgres } from '../src/db/embedded/embedded-postgres.ts'
import { findFreePort } from '../src/db/embedded/free-port.ts'
import {
  readPostmasterFile,
  runsCluster,
  signalProcess,
  waitForEnd,
} from '../src/db/embedded/postmaster-process.ts'
import { type Child, startChild, stopChild } from './child.ts'
import { peakMemoryMb } from './processes.ts'
import { runProgram } from './program.ts'

const PROGRAM = fileURLToPath(new URL('../bin/purser.mjs', import.meta.url))
const AS_SHIPPED = JSON.stringify({})
/** Enough for it to work off what a round has left behind. */
const SLEEP_ATTEMPTS_MAX = 1_000
const SLEEP_PAUSE_MS = 25
const SERVER_ENDS_WITHIN_MS = 60_000

/**
 * A Purser with its own PostgreSQL in `dir`, as shipped: only the port, the folder and the rate
 * limit (off) are set, and `env`. Between rounds it can be put to sleep, so that its workers take
 * nothing from whatever else is measured.
 */
export class PurserProcess implements AsyncDisposable {
  readonly #dir: string
  readonly #nodeArgs: readonly string[]
  #running: { child: Child; database: Database; env: string } | undefined
  #asleep = false
  #peakMemoryMb = 0
  url = ''

  constructor(dir: string, o: { nodeArgs?: readonly string[] } = {}) {
    this.#dir = dir
    this.#nodeArgs = o.nodeArgs ?? []
  }

  get pid(): number {
    return this.#current.child.pid
  }

  get postmaster(): number {
    const file = readPostmasterFile(clusterDirOf(this.#dataDir))
    if (file === undefined) throw new Error('PostgreSQL does not run')
    return file.pid
  }

  /** The bench's own way into the database. */
  get database(): Database {
    return this.#current.database
  }

  get connection(): EmbeddedConnection {
    const connection = findRunningPostgres(this.#dataDir)
    if (connection === undefined) throw new Error('PostgreSQL does not run')
    return connection
  }

  /** The most memory that the Node process has had, of all that ran as shipped. */
  get peakMemoryMb(): number {
    if (this.#running?.env === AS_SHIPPED) {
      this.#peakMemoryMb = Math.max(this.#peakMemoryMb, peakMemoryMb(this.pid))
    }
    return this.#peakMemoryMb
  }

  get #dataDir(): string {
    return join(this.#dir, 'data')
  }

  get #current(): { child: Child; database: Database; env: string } {
    if (this.#running === undefined) throw new Error('Purser does not run')
    return this.#running
  }

  /** Lets it run with `env`; starts it again where it runs with another. Whether it did. */
  async run(env: Readonly<Record<string, string>> = {}): Promise<boolean> {
    if (this.#running?.env === JSON.stringify(env)) {
      this.wake()
      return false
    }
    await this.stop()
    await mkdir(this.#dir, { recursive: true })
    const port = await findFreePort()
    this.url = `http://127.0.0.1:${port}`
    const child = await startChild({
      args: [...this.#nodeArgs, PROGRAM, 'serve'],
      env: { PORT: String(port), DATA_DIR: this.#dataDir, RATE_LIMIT_PER_MINUTE: '0', ...env },
      url: `${this.url}/readyz`,
      logFile: join(this.#dir, 'purser.log'),
    })
    const database = openDatabase(this.connection, { max: 8, applicationName: 'bench' })
    this.#running = { child, database, env: JSON.stringify(env) }
    return true
  }

  /** Stops the Node process where it stands, but not amid a transaction: that would hold locks. */
  async sleep(): Promise<void> {
    if (this.#asleep) return
    for (let attempt = 1; attempt <= SLEEP_ATTEMPTS_MAX; attempt++) {
      process.kill(this.pid, 'SIGSTOP')
      this.#asleep = true
      await pause(SLEEP_PAUSE_MS)
      const { rows } = await this.database.pool.query<{ busy: boolean }>(
        `select exists (select from pg_stat_activity
          where application_name like 'purser%' and xact_start is not null) as busy`,
      )
      if (rows[0]?.busy === false) return
      this.wake()
      await pause(SLEEP_PAUSE_MS)
    }
    throw new Error('Purser was never without a transaction')
  }

  wake(): void {
    if (!this.#asleep) return
    process.kill(this.pid, 'SIGCONT')
    this.#asleep = false
  }

  /** Every check of the books, from the first transfer on: an empty text, or what is broken. */
  async verifyBooks(): Promise<string> {
    const env = { PATH: process.env.PATH ?? '', DATA_DIR: this.#dataDir }
    try {
      await runProgram(process.execPath, [PROGRAM, 'ledger', 'verify', '--all'], env)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    this.#peakMemoryMb = this.peakMemoryMb
    this.#running = undefined
    this.#asleep = false
    await running.database.close()
    const stopped = await stopChild(running.child)
    if (!stopped) throw new Error('Purser did not stop when it was asked to')
  }

  /** A Purser that was killed has left its server behind. */
  async #stopLeftServer(): Promise<void> {
    const clusterDir = clusterDirOf(this.#dataDir)
    const left = readPostmasterFile(clusterDir)
    if (left === undefined || !runsCluster(left.pid, clusterDir)) return
    signalProcess(left.pid, 'SIGINT')
    const ended = await waitForEnd(left.pid, clusterDir, SERVER_ENDS_WITHIN_MS)
    if (!ended) throw new Error(`PostgreSQL ${left.pid} does not end`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop()
    } finally {
      await this.#stopLeftServer()
    }
  }
}
