import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import { registerAdmin } from './admin/admin.ts'
import { registerCustomerSession } from './admin/customer-session.ts'
import type { Config } from './config.ts'
import { CatalogueCache } from './core/catalogue/catalogue-cache.ts'
import { EpochWatch } from './core/epoch-watch.ts'
import type { Funnel } from './core/execute.ts'
import { KeyDirectory } from './core/identity/key-directory.ts'
import type { DeliveryDrivers } from './core/orders/delivery-driver.ts'
import { NumberBlocks } from './core/orders/number-blocks.ts'
import { COMMITTER_LIMITS, OrderCommitter } from './core/orders/order-committer.ts'
import { OrderReader } from './core/orders/order-reader.ts'
import type { OrderDesk } from './core/orders/place-order.ts'
import { checkServer } from './db/check-server.ts'
import { type ConnectionSettings, type Database, openDatabase } from './db/database.ts'
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { migrate } from './db/migrate.ts'
import { seedDemo } from './demo.ts'
import { panel } from './dialects/panel/panel.ts'
import { registerPanel } from './dialects/panel-family/panel-route.ts'
import { panelbon } from './dialects/panelbon/panelbon.ts'
import { registerDocumentation } from './documentation.ts'
import { simulatedDelivery } from './drivers/delivery/simulated-delivery.ts'
import { authenticator } from './http/authenticate.ts'
import { registerHealth } from './http/health.ts'
import { Limits } from './http/limits.ts'
import { Metrics } from './http/metrics.ts'
import { RateLimiter } from './http/rate-limiter.ts'
import { createServer, toRefusal } from './http/server.ts'
import { ShiftedClock } from './lib/clock.ts'
import { StartupError } from './lib/startup-error.ts'
import { startCleanUp } from './workers/clean-up.ts'
import { startDeliveryWorker } from './workers/delivery-worker.ts'
import { startKeyUseWorker } from './workers/key-use-worker.ts'

export interface RunningPurser {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** Answers what it has accepted, then stops everything that was started. */
  stop(): Promise<void>
}

/** How to stop something that was started; called in the reverse order. */
type Stop = () => Promise<void> | void

/** Connections: commits and reads of the hot path have their own, so that nothing starves them. */
const HOT_CONNECTIONS = 6
const OTHER_CONNECTIONS = 8
const HOT_QUERY_TIMEOUT_MS = 10_000

/** Starts everything that `config` asks for. Throws StartupError for what one can act on. */
export async function startPurser(config: Config): Promise<RunningPurser> {
  const log = createLog(config)
  const stops: Stop[] = []
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) {
      // What does not stop keeps nothing else from stopping.
      await Promise.resolve(stop()).catch((error: unknown) => log.error({ err: error }, 'stopping'))
    }
  }
  try {
    const connection = await connect(config, log, stops)
    await migrate(connection)
    return await serve(config, log, connection, { stops, stopAll })
  } catch (error) {
    await stopAll()
    throw error
  }
}

/** One line a request, written in blocks so that the log never slows an answer. */
function createLog(config: Config): Logger {
  const out: DestinationStream = pino.destination({
    dest: 1,
    sync: false,
    minLength: 4096,
    periodicFlush: 1000,
  })
  return pino({ level: config.logLevel, base: null, timestamp }, out)
}

/** The time as ISO 8601, written once a millisecond however many lines share it. */
function timestamp(): string {
  const nowMs = Date.now()
  if (nowMs !== stamped.ms) {
    stamped = { ms: nowMs, text: `,"time":"${new Date(nowMs).toISOString()}"` }
  }
  return stamped.text
}

let stamped = { ms: 0, text: '' }

/** The database's address: the one configured, or that of our own server. */
async function connect(config: Config, log: Logger, stops: Stop[]): Promise<ConnectionSettings> {
  if (config.databaseUrl !== null) {
    const connection = { connectionString: config.databaseUrl }
    await checkServer(connection, { allowFsyncOff: config.allowFsyncOff })
    return connection
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
  stops.push(() => embedded.stop())
  return embedded.connection
}

async function serve(
  config: Config,
  log: Logger,
  connection: ConnectionSettings,
  life: { stops: Stop[]; stopAll: () => Promise<void> },
): Promise<RunningPurser> {
  const core = await startCore(config, connection, life.stops)
  const app = createServer({ log, metrics: core.metrics, trustProxy: config.trustProxy })
  registerHealth(app, { pool: core.funnel.database.pool, metrics: core.metrics })
  const limits = new Limits(core.limiter, config.rateLimitPerMinute)
  const panels = {
    desk: core.desk,
    reader: new OrderReader(core.hot.pool, core.desk.keys),
    cancelling: { funnel: core.funnel, drivers: core.drivers },
    limits,
    authenticate: authenticator(core.desk.keys, limits),
    toRefusal: toRefusal.bind(null, log),
  }
  registerPanel(app, panel, panels)
  registerPanel(app, panelbon, panels)
  registerDocumentation(app, { publicUrl: config.publicUrl, clock: core.funnel.clock })
  const rest = {
    funnel: core.funnel,
    keys: core.desk.keys,
    watch: core.watch,
    limits,
    publicUrl: config.publicUrl,
    testClock: config.testClock,
    providers: new Set(core.drivers.keys()),
    toRefusal: panels.toRefusal,
  }
  await registerAdmin(app, rest)
  await registerCustomerSession(app, rest)
  const { dataDir, demo } = config
  if (demo) await seedDemo(core.funnel, { dataDir, url: localUrl(config, config.port) })
  await listen(app, config)
  const { port } = app.server.address() as AddressInfo
  const url = localUrl(config, port)
  if (demo && port !== config.port) await seedDemo(core.funnel, { dataDir, url })
  life.stops.push(() => app.close())
  startWorkers(core, log, life.stops)
  return { url, stop: life.stopAll }
}

async function listen(app: FastifyInstance, config: Config): Promise<void> {
  try {
    await app.listen({ port: config.port, host: config.host })
  } catch (error) {
    const { code } = error as { code?: unknown }
    const where = `${config.host}:${config.port}`
    if (code === 'EADDRINUSE') {
      throw new StartupError(`${where} is taken by another program: choose another PORT`)
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new StartupError(`cannot listen on ${where} (${code}): choose another PORT or HOST`)
    }
    throw error
  }
}

/** Where somebody on this machine reaches it. */
function localUrl(config: Config, port: number): string {
  const everywhere = config.host === '0.0.0.0' || config.host === '::'
  const host = everywhere ? '127.0.0.1' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** What every surface and worker stands on. */
interface Core {
  readonly funnel: Funnel
  /** Its connections serve commits and reads of orders alone. */
  readonly hot: Database
  readonly watch: EpochWatch
  readonly desk: OrderDesk
  readonly drivers: DeliveryDrivers
  readonly metrics: Metrics
  readonly limiter: RateLimiter
}

async function startCore(
  config: Config,
  connection: ConnectionSettings,
  stops: Stop[],
): Promise<Core> {
  const database = openDatabase(connection, { max: OTHER_CONNECTIONS })
  stops.push(() => database.close())
  const hot = openDatabase(connection, {
    max: HOT_CONNECTIONS,
    applicationName: 'purser hot',
    queryTimeoutMs: HOT_QUERY_TIMEOUT_MS,
    indexesOnly: true,
  })
  stops.push(() => hot.close())

  const clock = new ShiftedClock()
  const watch = new EpochWatch(hot.db, (epochs) => {
    if (config.testClock) clock.shiftTo(epochs.clockOffsetMs)
  })
  await watch.start()
  stops.push(() => watch.stop())

  const metrics = new Metrics()
  const committer = new OrderCommitter(hot.pool, {
    limits: { ...COMMITTER_LIMITS, batchMax: config.commitBatchMax },
    onBatch: (size) => metrics.committed(size),
  })
  metrics.gauge('purser_commit_queue_orders', 'Orders that wait for a commit.', () => {
    return committer.waiting
  })
  const limiter = new RateLimiter(database.pool)
  limiter.start()
  stops.push(() => limiter.stop())
  return {
    funnel: { database, clock },
    hot,
    watch,
    desk: {
      db: hot.db,
      clock,
      keys: new KeyDirectory(hot.db, watch),
      catalogue: new CatalogueCache(hot.db, watch),
      numbers: new NumberBlocks(hot.pool),
      committer,
    },
    drivers: new Map([['simulated', simulatedDelivery({ pool: database.pool, clock })]]),
    metrics,
    limiter,
  }
}

function startWorkers(core: Core, log: Logger, stops: Stop[]): void {
  const { funnel, drivers, desk } = core
  const workers = [
    startDeliveryWorker({ funnel, drivers, log, busy: () => desk.committer.busy }),
    startCleanUp({ funnel, log, busy: () => desk.committer.busy }),
    startKeyUseWorker({ funnel, keys: desk.keys, log }),
  ]
  for (const worker of workers) stops.push(() => worker.stop())
}
