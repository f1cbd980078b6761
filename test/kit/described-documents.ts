import fastify from 'fastify'
import { registerAdmin } from '../../src/admin/admin.ts'
import { registerCustomerSession } from '../../src/admin/customer-session.ts'
import { PaymentDesk } from '../../src/core/billing/paying/payment-desk.ts'
import { CatalogueCache } from '../../src/core/catalogue/catalogue-cache.ts'
import { EpochWatch } from '../../src/core/epoch-watch.ts'
import { KeyDirectory } from '../../src/core/identity/key-directory.ts'
import { NumberBlocks } from '../../src/core/orders/number-blocks.ts'
import { OrderCommitter } from '../../src/core/orders/order-committer.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { openSecretBox } from '../../src/core/secret-box.ts'
import { ServerReader } from '../../src/core/servers/server-reader.ts'
import { UpstreamDrivers } from '../../src/core/upstreams/upstream-drivers.ts'
import { registerCustomer } from '../../src/customer/customer.ts'
import { openDatabase } from '../../src/db/database.ts'
import { registerHostup } from '../../src/dialects/hostup/hostup.ts'
import { registerVpsbg } from '../../src/dialects/vpsbg/vpsbg.ts'
import { servedDocuments } from '../../src/documentation.ts'
import { apiV2Delivery } from '../../src/drivers/delivery/api-v2/api-v2-delivery.ts'
import { Limits } from '../../src/http/limits.ts'
import { RateLimiter } from '../../src/http/rate-limiter.ts'
import { collectRoutes } from '../../src/http/route-openapi.ts'
import { ShiftedClock } from '../../src/lib/clock.ts'
import type { OpenApiDocument } from '../../src/lib/openapi-document.ts'

/**
 * The documents of every surface by name, as the code describes them. The routes are registered
 * on a server that never listens; its database is never connected to.
 */
export async function describedDocuments(): Promise<ReadonlyMap<string, OpenApiDocument>> {
  const database = openDatabase({ host: 'nowhere.invalid' }, { max: 1 })
  const app = fastify()
  const routes = collectRoutes(app)
  try {
    const watch = new EpochWatch(database.db, () => {})
    const funnel = { database, clock: new ShiftedClock() }
    const compute = new Map()
    const none = new Set<string>()
    const terms = { invoiceDaysAhead: 7, suspendAfterDays: 3 }
    const payments = new PaymentDesk({
      funnel,
      compute,
      cards: new Map(),
      terms,
      log: { warn: () => {} },
    })
    const servers = new ServerReader({ db: database.db, compute })
    const keys = new KeyDirectory(database.db, watch)
    const { db, pool } = database
    const secrets = openSecretBox(Buffer.alloc(32))
    const upstreams = new UpstreamDrivers({
      db,
      secrets,
      builtIn: new Map(),
      open: apiV2Delivery,
      log: { warn: () => {} },
    })
    const desk = {
      db,
      clock: funnel.clock,
      keys,
      catalogue: new CatalogueCache(db, watch),
      numbers: new NumberBlocks(pool),
      committer: new OrderCommitter(pool),
      drivers: new Map(),
      funnel,
    }
    const deps = {
      funnel,
      keys,
      desk,
      cancelling: { funnel, drivers: new Map() },
      refilling: { funnel, drivers: new Map() },
      watch,
      secrets,
      webhookNetworks: [],
      upstreams,
      limits: new Limits(new RateLimiter(database.pool), 0),
      publicUrl: null,
      testClock: true,
      servers,
      payments,
      terms,
      providers: { delivery: none, compute: none, payment: none },
      toRefusal: (error: unknown) =>
        error instanceof Refusal ? error : new Refusal('internal_error', { cause: error }),
    }
    await registerVpsbg(app, deps)
    await registerHostup(app, deps)
    await registerAdmin(app, deps)
    await registerCustomerSession(app, deps)
    await registerCustomer(app, deps)
    await app.ready()
    return new Map(servedDocuments(routes).map(({ name, read }) => [name, read()]))
  } finally {
    await app.close()
    await database.close()
  }
}
