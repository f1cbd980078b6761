/** The operator API alone, on a database of its own, with an operator's key. */
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import { pino } from 'pino'
import { registerAdmin } from '../../src/admin/admin.ts'
import type { AdminDeps } from '../../src/admin/admin-deps.ts'
import { registerCustomerSession } from '../../src/admin/customer-session.ts'
import { SYSTEM } from '../../src/core/actor.ts'
import { PaymentDesk } from '../../src/core/billing/paying/payment-desk.ts'
import { CatalogueCache } from '../../src/core/catalogue/catalogue-cache.ts'
import { EpochWatch } from '../../src/core/epoch-watch.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'
import { createOperator } from '../../src/core/identity/create-operator.ts'
import { createOperatorKey } from '../../src/core/identity/create-operator-key.ts'
import { KeyDirectory } from '../../src/core/identity/key-directory.ts'
import type { Operation } from '../../src/core/operation.ts'
import { NumberBlocks } from '../../src/core/orders/number-blocks.ts'
import { OrderCommitter } from '../../src/core/orders/order-committer.ts'
import { openSecretBox } from '../../src/core/secret-box.ts'
import { ServerReader } from '../../src/core/servers/server-reader.ts'
import { UpstreamDrivers } from '../../src/core/upstreams/upstream-drivers.ts'
import { type Database, openDatabase } from '../../src/db/database.ts'
import { simulatedCompute } from '../../src/drivers/compute/simulated-compute.ts'
import { apiV2Delivery } from '../../src/drivers/delivery/api-v2/api-v2-delivery.ts'
import { simulatedDelivery } from '../../src/drivers/delivery/simulated-delivery.ts'
import { simulatedCards } from '../../src/drivers/payment/simulated-cards.ts'
import { Limits } from '../../src/http/limits.ts'
import { RateLimiter } from '../../src/http/rate-limiter.ts'
import { toRefusal } from '../../src/http/server.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'
import { publicId } from '../../src/lib/ids.ts'
import { testDatabase } from './postgres.ts'

export const OPERATOR = {
  email: 'anna@purser.example',
  name: 'Anna',
  password: 'correct horse battery',
}

export interface AdminAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly json: ReturnType<typeof JSON.parse>
}

export interface AdminApp {
  readonly app: FastifyInstance
  readonly database: Database
  readonly routes: readonly RouteOptions[]
  readonly operatorKey: string
  run<Input, Output>(operation: Operation<Input, Output>, input: Input): Promise<Output>
  /** As the operator, unless `headers` carry another authorization; null: none. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string | null>,
  ): Promise<AdminAnswer>
  close(): Promise<void>
}

export async function startAdminApp(
  o: { testClock?: boolean; publicUrl?: string | null } = {},
): Promise<AdminApp> {
  const place = await testDatabase()
  const database = openDatabase(place.connection, { connectWithinMs: 60_000 })
  const clock = new ShiftedClock()
  const watch = new EpochWatch(database.db, (epochs) => clock.shiftTo(epochs.clockOffsetMs))
  await watch.start()
  const funnel: Funnel = { database, clock }
  const run: AdminApp['run'] = async (operation, input) =>
    (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
  const operator = await run(createOperator, OPERATOR)
  const operatorId = BigInt(operator.id)
  const { key } = await run(createOperatorKey, { operatorId, name: 'test' })

  const world = { pool: database.pool, clock }
  const compute = new Map([['simulated', simulatedCompute(world)]])
  const cards = new Map([['simulated', simulatedCards(world)]])
  const terms = { invoiceDaysAhead: 7, suspendAfterDays: 3 }
  const payments = new PaymentDesk({ funnel, compute, cards, terms, log: { warn: () => {} } })
  const keys = new KeyDirectory(database.db, watch)
  const { db, pool } = database
  const secrets = openSecretBox(Buffer.alloc(32, 7))
  const drivers = new UpstreamDrivers({
    db,
    secrets,
    builtIn: new Map([
      ['simulated', simulatedDelivery(world)],
      ['manual', simulatedDelivery(world)],
    ]),
    open: apiV2Delivery,
    log: { warn: () => {} },
  })
  await drivers.start()
  const deps: AdminDeps = {
    funnel,
    desk: {
      db,
      clock,
      keys,
      catalogue: new CatalogueCache(db, watch),
      numbers: new NumberBlocks(pool),
      committer: new OrderCommitter(pool),
      drivers,
      funnel,
    },
    watch,
    secrets,
    webhookNetworks: [],
    upstreams: drivers,
    payments,
    refilling: { funnel, drivers },
    servers: new ServerReader({ db: database.db, compute }),
    terms,
    keys,
    limits: new Limits(new RateLimiter(database.pool), 0),
    publicUrl: o.publicUrl === undefined ? 'https://purser.example' : o.publicUrl,
    testClock: o.testClock ?? true,
    providers: {
      delivery: drivers.names,
      compute: new Set(['simulated']),
      payment: new Set(['simulated']),
    },
    toRefusal: toRefusal.bind(null, pino({ level: 'silent' })),
  }
  const routes: RouteOptions[] = []
  const app = fastify({ genReqId: () => publicId('req', Date.now()) })
  app.decorateRequest('refusedAs', null)
  app.addHook('onRoute', (route) => void routes.push(route))
  await registerAdmin(app, deps)
  await registerCustomerSession(app, deps)
  await app.ready()
  return {
    app,
    database,
    routes,
    operatorKey: key,
    run,
    async ask(method, path, body, headers = {}) {
      const sent = Object.entries({ authorization: `Bearer ${key}`, ...headers })
      const answer = await app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...Object.fromEntries(sent.filter(([, value]) => value !== null)),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = answer.body
      return {
        status: answer.statusCode,
        text,
        headers: answer.headers,
        json: /^[[{]/.test(text) ? JSON.parse(text) : undefined,
      }
    },
    async close() {
      watch.stop()
      await app.close()
      await drivers.stop()
      await payments.drained()
      await database.close()
      await place.drop()
    },
  }
}
