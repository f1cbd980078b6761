import type { FastifyInstance } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config.ts'
import { CatalogueCache } from './core/catalogue/catalogue-cache.ts'
import { EpochWatch } from './core/epoch-watch.ts'
import type { Funnel } from './core/execute.ts'
import { KeyDirectory } from './core/identity/key-directory.ts'
import { NumberBlocks } from './core/orders/number-blocks.ts'
import { COMMITTER_LIMITS, OrderCommitter } from './core/orders/order-committer.ts'
import { OrderReader } from './core/orders/order-reader.ts'
import { checkServer } from './db/check-server.ts'
import { type ConnectionSettings, type Database, openDatabase } from './db/database.ts'
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { migrate } from './db/migrate.ts'
import { panel } from './dialects/panel/panel.ts'
import { registerPanel } from './dialects/panel-family/panel-route.ts'
import { panelbon } from './dialects/panelbon/panelbon.ts'
import { authenticator } from './http/authenticate.ts'
import { registerHealth } from './http/health.ts'
import { Limits } from './http/limits.ts'
import { Metrics } from './http/metrics.ts'
import { RateLimiter } from './http/rate-limiter.ts'
import { createServer, toRefusal } from './http/server.ts'
import { ShiftedClock } from './lib/clock.ts'

export interface RunningPurser {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** Answers what it has accepted, then stops everything that was started. */
  stop(): Promise<void>
}

/** Connections: commits and reads of the hot path have their own, so that nothing starves them. */
const HOT_CONNECTIONS = 6
const OTHER_CONNECTIONS = 8

/** Starts everything that `config` asks for. Throws StartupError for what one can act on. */
export async function startPurser(config: Config): Promise<RunningPurser> {
  const log = createLog(config)
  const stops: (() => Promise<void> | void)[] = []
  const stopAll = async () => {
    for (const stop of stops.reverse()) await stop()
    stops.length = 0
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
  return pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out)
}

/** The database's address: the one configured, or that of our own server. */
async function connect(
  config: Config,
  log: Logger,
  stops: (() => Promise<void> | void)[],
): Promise<ConnectionSettings> {
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
  life: { stops: (() => Promise<void> | void)[]; stopAll: () => Promise<void> },
): Promise<RunningPurser> {
  const { stops } = life
  const database = openDatabase(connection, { max: OTHER_CONNECTIONS })
  stops.push(() => database.close())
  const hot = openDatabase(connection, { max: HOT_CONNECTIONS, applicationName: 'purser hot' })
  stops.push(() => hot.close())

  const clock = new ShiftedClock()
  const watch = new EpochWatch(hot.db, (epochs) => {
    if (config.testClock) clock.shiftTo(epochs.clockOffsetMs)
  })
  await watch.start()
  stops.push(() => watch.stop())

  const metrics = new Metrics()
  const app = createServer({ log, metrics, trustProxy: config.trustProxy })
  const funnel: Funnel = { database, clock }
  const limiter = new RateLimiter(database.pool)
  limiter.start()
  stops.push(() => limiter.stop())
  registerHealth(app, { pool: database.pool, metrics })
  registerPanels(app, {
    config,
    log,
    hot,
    funnel,
    watch,
    metrics,
    limits: new Limits(limiter, config.rateLimitPerMinute),
  })

  const url = await app.listen({ port: config.port, host: config.host })
  stops.push(() => app.close())
  return { url, stop: life.stopAll }
}

function registerPanels(
  app: FastifyInstance,
  o: {
    config: Config
    log: Logger
    hot: Database
    funnel: Funnel
    watch: EpochWatch
    metrics: Metrics
    limits: Limits
  },
): void {
  const keys = new KeyDirectory(o.hot.db, o.watch)
  const committer = new OrderCommitter(o.hot.pool, {
    limits: { ...COMMITTER_LIMITS, batchMax: o.config.commitBatchMax },
    onBatch: (size) => o.metrics.committed(size),
  })
  o.metrics.gauge(
    'purser_commit_queue_orders',
    'Orders waiting for a commit.',
    () => committer.depth,
  )
  const deps = {
    desk: {
      db: o.hot.db,
      clock: o.funnel.clock,
      keys,
      catalogue: new CatalogueCache(o.hot.db, o.watch),
      numbers: new NumberBlocks(o.hot.pool),
      committer,
    },
    reader: new OrderReader(o.hot.db, keys),
    limits: o.limits,
    authenticate: authenticator(keys, o.limits),
    toRefusal: toRefusal.bind(null, o.log),
  }
  registerPanel(app, panel, deps)
  registerPanel(app, panelbon, deps)
}
