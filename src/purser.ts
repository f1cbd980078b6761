import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import { registerAdmin } from './admin/admin.ts'
import { registerCustomerSession } from './admin/customer-session.ts'
import type { Config } from './config.ts'
import { OrderReader } from './core/orders/order-reader.ts'
import { ServerReader } from './core/servers/server-reader.ts'
import { registerCustomer } from './customer/customer.ts'
import { checkServer } from './db/check-server.ts'
import type { ConnectionSettings } from './db/database.ts'
import { startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { migrate } from './db/migrate.ts'
import { seedDemo } from './demo/seed-demo.ts'
import { registerCrownPanel } from './dialects/crownpanel/crownpanel-route.ts'
import { registerHostup } from './dialects/hostup/hostup.ts'
import { panel } from './dialects/panel/panel.ts'
import { registerPanel } from './dialects/panel-family/panel-route.ts'
import { panelbon } from './dialects/panelbon/panelbon.ts'
import { registerVpsbg } from './dialects/vpsbg/vpsbg.ts'
import { registerDocumentation } from './documentation.ts'
import { authenticator } from './http/authenticate.ts'
import { registerHealth } from './http/health.ts'
import { Limits } from './http/limits.ts'
import { createServer, toRefusal } from './http/server.ts'
import { StartupError } from './lib/startup-error.ts'
import { loggedError } from './logged-error.ts'
import { registerBillingPage } from './pages/billing.ts'
import { type Core, type Stop, startCore } from './start-core.ts'
import { startWorkers } from './start-workers.ts'

export interface RunningPurser {
  /** Where it listens, without a trailing slash. */
  readonly url: string
  /** Answers what it has accepted, then stops everything that was started. */
  stop(): Promise<void>
}

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
  return pino(
    { level: config.logLevel, base: null, timestamp, serializers: { err: loggedError } },
    out,
  )
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
  const core = await startCore(config, log, connection, life.stops)
  const app = createServer({ log, metrics: core.metrics, trustProxy: config.trustProxy })
  registerHealth(app, { pool: core.funnel.database.pool, metrics: core.metrics })
  await registerSurfaces(app, { core, config, log })
  const { dataDir, demo } = config
  const seed = (url: string) => seedDemo(core.funnel, { dataDir, url, terms: core.terms })
  if (demo) await seed(localUrl(config, config.port))
  await listen(app, config)
  const { port } = app.server.address() as AddressInfo
  const url = localUrl(config, port)
  if (demo && port !== config.port) await seed(url)
  life.stops.push(() => app.close())
  startWorkers(core, log, life.stops)
  return { url, stop: life.stopAll }
}

/** Everything that answers requests but the health endpoints. */
async function registerSurfaces(
  app: FastifyInstance,
  { core, config, log }: { core: Core; config: Config; log: Logger },
): Promise<void> {
  const { funnel, drivers, payments, terms, watch, secrets } = core
  const { keys } = core.desk
  const limits = new Limits(core.limiter, config.rateLimitPerMinute)
  const reader = new OrderReader(core.hot.pool, keys)
  const shared = { keys, limits, toRefusal: toRefusal.bind(null, log) }
  const panels = {
    ...shared,
    desk: core.desk,
    reader,
    cancelling: { funnel, drivers: drivers.delivery },
    refilling: { funnel, drivers: drivers.delivery },
    authenticate: authenticator(keys, limits),
  }
  registerPanel(app, panel, panels)
  registerPanel(app, panelbon, panels)
  const { publicUrl, testClock, webhookNetworks } = config
  registerDocumentation(app, { publicUrl, clock: funnel.clock })
  const { db } = funnel.database
  const servers = new ServerReader({ db, compute: drivers.compute })
  const renewing = { ...shared, funnel, db, servers, payments, publicUrl }
  registerCrownPanel(app, { ...renewing, reader })
  await registerVpsbg(app, renewing)
  await registerHostup(app, renewing)
  registerBillingPage(app, renewing)
  const providers = {
    delivery: drivers.delivery.names,
    compute: new Set(drivers.compute.keys()),
    payment: new Set(drivers.payment.keys()),
  }
  const { refilling } = panels
  const operated = {
    ...renewing,
    desk: core.desk,
    refilling,
    secrets,
    webhookNetworks,
    upstreams: drivers.delivery,
    watch,
    testClock,
    terms,
    providers,
  }
  await registerAdmin(app, operated)
  await registerCustomerSession(app, operated)
  await registerCustomer(app, {
    ...panels,
    funnel,
    watch,
    publicUrl,
    secrets,
    webhookNetworks,
  })
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
