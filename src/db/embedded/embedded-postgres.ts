/**
 * Purser's own PostgreSQL: the real server, started and watched by this process.
 * - One Purser per DATA_DIR; the lock dies with its process.
 * - The server outlives a killed Purser; the next one adopts it, or stops and starts it.
 * - A server that ends while Purser runs is started again, with back-off, until it works.
 * - Nothing in node_modules, no system user and no fixed port is touched or needed.
 */
import { EventEmitter } from 'node:events'
import { existsSync, realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from '../../lib/startup-error.ts'
import {
  type ClusterPlace,
  clusterDirOf,
  ensureCluster,
  hasCurrentSettings,
  openDataDir,
  settlePlace,
  writeSettings,
} from './cluster-place.ts'
import { lockDataDir } from './data-dir-lock.ts'
import {
  connectionTo,
  type EmbeddedConnection,
  endpointOf,
  ensureDatabase,
  identifyServer,
} from './embedded-connection.ts'
import { adoptServer, launchServer, type PostgresServer, stopServer } from './postgres-server.ts'
import { readPostmasterFile, runsCluster, runsReplacedExecutable } from './postmaster-process.ts'
import { trimServerLog } from './server-log.ts'
import { chooseEndpoint, type Endpoint, removeSocketDirectory } from './socket-directory.ts'

const LOG_TRIM_INTERVAL_MS = 60_000
const RESTART_DELAY_MIN_MS = 100
const RESTART_DELAY_MAX_MS = 10_000
const ADOPTION_WAIT_MS = 60_000
const PORT_ATTEMPTS_MAX = 3

export interface EmbeddedLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * `lost` {reason}: the server has ended and is being started again. `restarted` {attempt}: it
 * answers again. `failed` {attempt, reason, retryInMs}: one attempt failed, the next one follows.
 */
export type EmbeddedEvent = 'lost' | 'restarted' | 'failed'

/**
 * `adopted`: the server of a killed Purser goes on. `recovered`: a killed one had left its server
 * or its pid file, and the server was started anew.
 */
export type StartedAs = 'created' | 'started' | 'adopted' | 'recovered'

export interface EmbeddedPostgres {
  readonly connection: EmbeddedConnection
  /** such as `18.4` */
  readonly version: string
  readonly startedAs: StartedAs
  on(event: EmbeddedEvent, listener: (detail: unknown) => void): void
  /** Fast shutdown, then releases DATA_DIR. */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  readonly dataDir: string
  readonly log: EmbeddedLog
  /** false only in tests: a machine that stops loses everything */
  readonly durable?: boolean
}

/** Throws a StartupError, one line, for what the operator can act on. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (process.platform !== 'linux') {
    throw new StartupError('Purser brings its own PostgreSQL on Linux only: set DATABASE_URL.')
  }
  const dataDir = openDataDir(options.dataDir)
  const lock = lockDataDir(dataDir)
  try {
    const place = settlePlace(dataDir, options.durable ?? true)
    const started = await bringUp(place, options.log)
    return supervise({ place, log: options.log, ...started, release: lock.release })
  } catch (error) {
    lock.release()
    throw asStartupError(error, dataDir)
  }
}

/** How to reach the server of a Purser that runs on this DATA_DIR, for a command beside it. */
export function findRunningPostgres(dataDirOption: string): EmbeddedConnection | undefined {
  const dataDir = resolve(dataDirOption)
  const clusterDir = clusterDirOf(dataDir)
  if (!existsSync(clusterDir)) return undefined
  const file = readPostmasterFile(clusterDir)
  if (file?.status !== 'ready' || !runsCluster(file.pid, clusterDir)) return undefined
  return connectionTo(endpointOf(file), dataDir)
}

interface Started {
  readonly server: PostgresServer
  readonly endpoint: Endpoint
  readonly connection: EmbeddedConnection
  readonly startedAs: StartedAs
}

async function bringUp(place: ClusterPlace, log: EmbeddedLog): Promise<Started> {
  const file = existsSync(place.clusterDir) ? readPostmasterFile(place.clusterDir) : undefined
  if (file && runsCluster(file.pid, place.clusterDir)) {
    const adopted = await tryAdopting(place)
    if (adopted) return adopted
    log.info({ pid: file.pid }, 'stopping the PostgreSQL server that an earlier Purser left')
    await stopServer(file.pid, place.clusterDir)
  }
  const created = await ensureCluster(place)
  writeSettings(place)
  trimServerLog(place.logFile)
  const startedAs = created ? 'created' : file ? 'recovered' : 'started'
  for (let attempt = 1; ; attempt++) {
    const endpoint = await chooseEndpoint(place.dataDir, place.runAs)
    try {
      const never = new AbortController().signal
      const server = await launch({ place, endpoint, log, signal: never })
      return { server, endpoint, connection: connectionTo(endpoint, place.dataDir), startedAs }
    } catch (error) {
      // Only a loopback port can be taken between its choice and its use.
      if (endpoint.kind === 'socket' || attempt === PORT_ATTEMPTS_MAX) throw error
    }
  }
}

/** A server that is not exactly the one we would start is not adopted: an update has come. */
async function tryAdopting(place: ClusterPlace): Promise<Started | undefined> {
  const file = readPostmasterFile(place.clusterDir)
  if (!file || runsReplacedExecutable(file.pid) || !hasCurrentSettings(place)) return undefined
  const endpoint = endpointOf(file)
  const connection = connectionTo(endpoint, place.dataDir)
  const identity = await identifyServer(connection, ADOPTION_WAIT_MS)
  if (identity?.version !== place.version) return undefined
  if (realpathSync(identity.dataDirectory) !== realpathSync(place.clusterDir)) return undefined
  await ensureDatabase(connection)
  const server = adoptServer(file.pid, place.clusterDir, place.logFile)
  return { server, endpoint, connection, startedAs: 'adopted' }
}

async function launch(o: {
  place: ClusterPlace
  endpoint: Endpoint
  log: EmbeddedLog
  signal: AbortSignal
}): Promise<PostgresServer> {
  const server = await launchServer({
    ...o.place,
    endpoint: o.endpoint,
    signal: o.signal,
    onWaiting: (seconds) => o.log.info({ seconds }, 'PostgreSQL is still recovering'),
  })
  try {
    await ensureDatabase(connectionTo(o.endpoint, o.place.dataDir))
    return server
  } catch (error) {
    await stopServer(server.pid, o.place.clusterDir)
    throw error
  }
}

function supervise(
  o: Started & { place: ClusterPlace; log: EmbeddedLog; release: () => void },
): EmbeddedPostgres {
  const events = new EventEmitter()
  const stopping = new AbortController()
  let server: PostgresServer | undefined = o.server
  const trim = setInterval(() => trimServerLog(o.place.logFile), LOG_TRIM_INTERVAL_MS)
  trim.unref()

  async function watch(): Promise<void> {
    while (server) {
      const { reason } = await server.ended
      server = undefined
      if (stopping.signal.aborted) return
      o.log.error({ reason }, 'PostgreSQL has ended, starting it again')
      events.emit('lost', { reason })
      server = await startAgain()
      if (server && stopping.signal.aborted) await stopServer(server.pid, o.place.clusterDir)
    }
  }

  async function startAgain(): Promise<PostgresServer | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { place, endpoint, log } = o
        const again = await launch({ place, endpoint, log, signal: stopping.signal })
        o.log.info({ attempt }, 'PostgreSQL runs again')
        events.emit('restarted', { attempt })
        return again
      } catch (error) {
        if (stopping.signal.aborted) return undefined
        const retryInMs = Math.min(RESTART_DELAY_MIN_MS * 2 ** attempt, RESTART_DELAY_MAX_MS)
        const reason = asStartupError(error, o.place.dataDir).message
        o.log.error({ attempt, reason, retryInMs }, 'PostgreSQL did not start again')
        events.emit('failed', { attempt, reason, retryInMs })
        await sleep(retryInMs, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return undefined
      }
    }
  }

  const watching = watch()
  return {
    connection: o.connection,
    version: o.place.version,
    startedAs: o.startedAs,
    on: (event, listener) => void events.on(event, listener),
    async stop() {
      stopping.abort()
      clearInterval(trim)
      // The server does not keep this process alive; waiting for its end has to.
      const hold = setInterval(() => {}, LOG_TRIM_INTERVAL_MS)
      if (server) await stopServer(server.pid, o.place.clusterDir)
      await watching
      clearInterval(hold)
      removeSocketDirectory(o.endpoint)
      o.release()
    },
  }
}

function asStartupError(error: unknown, dataDir: string): StartupError {
  if (error instanceof StartupError) return error
  const message = error instanceof Error ? error.message : String(error)
  if (/No space left on device|ENOSPC/.test(message)) {
    return new StartupError(
      `The disk of DATA_DIR ${dataDir} is full: free some space; no data was harmed.`,
    )
  }
  return new StartupError(`PostgreSQL did not start: ${message} (more in ${dataDir}/postgres.log).`)
}
