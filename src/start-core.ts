import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { BillingTerms } from './core/billing/billing-terms.ts'
import type { CardGateways } from './core/billing/paying/card-gateway.ts'
import { PaymentDesk } from './core/billing/paying/payment-desk.ts'
import { CatalogueCache } from './core/catalogue/catalogue-cache.ts'
import { EpochWatch } from './core/epoch-watch.ts'
import type { Funnel } from './core/execute.ts'
import { KeyDirectory } from './core/identity/key-directory.ts'
import type { DeliveryDriver, DeliveryDrivers } from './core/orders/delivery-driver.ts'
import { MANUAL_PROVIDER } from './core/orders/manual/manual-queue.ts'
import { manualQueue } from './core/orders/manual/manual-views.ts'
import { NumberBlocks } from './core/orders/number-blocks.ts'
import { COMMITTER_LIMITS, OrderCommitter } from './core/orders/order-committer.ts'
import type { OrderDesk } from './core/orders/order-desk.ts'
import { openSecretBox, type SecretBox } from './core/secret-box.ts'
import type { ComputeDrivers } from './core/servers/compute-driver.ts'
import type { UpstreamSettings } from './core/upstreams/upstream-driver.ts'
import { UpstreamDrivers } from './core/upstreams/upstream-drivers.ts'
import type { WebhookSender } from './core/webhooks/webhook-sender.ts'
import { type ConnectionSettings, type Database, openDatabase } from './db/database.ts'
import { simulatedCompute } from './drivers/compute/simulated-compute.ts'
import { apiV2Delivery } from './drivers/delivery/api-v2/api-v2-delivery.ts'
import { manualDelivery } from './drivers/delivery/manual-delivery.ts'
import { simulatedDelivery } from './drivers/delivery/simulated-delivery.ts'
import { simulatedCards } from './drivers/payment/simulated-cards.ts'
import { httpWebhookSender } from './drivers/webhook/http-webhook-sender.ts'
import { Metrics } from './http/metrics.ts'
import { RateLimiter } from './http/rate-limiter.ts'
import { tellStanding } from './http/standing-metrics.ts'
import { ShiftedClock } from './lib/clock.ts'
import { readSecretKey } from './secret-key.ts'

/** How to stop something that was started; called in the reverse order. */
export type Stop = () => Promise<void> | void

/** What every surface and worker stands on. */
export interface Core {
  readonly funnel: Funnel
  /** Its connections serve commits and reads of orders alone. */
  readonly hot: Database
  readonly watch: EpochWatch
  readonly desk: OrderDesk
  readonly payments: PaymentDesk
  readonly drivers: Drivers
  readonly terms: BillingTerms
  readonly metrics: Metrics
  readonly limiter: RateLimiter
  readonly secrets: SecretBox
}

/** Who does the work outside, each by its name. */
export interface Drivers {
  readonly delivery: UpstreamDrivers
  readonly compute: ComputeDrivers
  readonly payment: CardGateways
  readonly webhooks: WebhookSender
}

/** Connections: commits and reads of the hot path have their own, so that nothing starves them. */
const HOT_CONNECTIONS = 6
const OTHER_CONNECTIONS = 8
const HOT_QUERY_TIMEOUT_MS = 10_000

/** Opens what `config` asks for on `connection`; whatever has to be stopped goes into `stops`. */
export async function startCore(
  config: Config,
  log: Logger,
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

  const secrets = openSecretBox(await readSecretKey(config))
  const clock = new ShiftedClock()
  const watch = new EpochWatch(hot.db, (epochs) => {
    if (config.testClock) clock.shiftTo(epochs.clockOffsetMs)
  })
  await watch.start()
  stops.push(() => watch.stop())

  const metrics = new Metrics()
  tellStanding(metrics, database)
  const limiter = new RateLimiter(database.pool)
  limiter.start()
  stops.push(() => limiter.stop())
  const funnel = { database, clock }
  const drivers = openDrivers({ funnel, config, secrets, log, metrics })
  await drivers.delivery.start()
  stops.push(() => drivers.delivery.stop())
  const terms: BillingTerms = {
    invoiceDaysAhead: config.invoiceDaysAhead,
    suspendAfterDays: config.suspendAfterDays,
  }
  const { compute, payment: cards } = drivers
  const payments = new PaymentDesk({ funnel, compute, cards, terms, log })
  stops.push(() => payments.drained())
  const desk = openOrderDesk({ config, hot, watch, metrics, funnel, drivers: drivers.delivery })
  return { funnel, hot, watch, desk, payments, drivers, terms, metrics, limiter, secrets }
}

function openOrderDesk(o: {
  config: Config
  hot: Database
  watch: EpochWatch
  metrics: Metrics
  funnel: Funnel
  drivers: DeliveryDrivers
}): OrderDesk {
  const { hot, watch, metrics, funnel, drivers } = o
  const committer = new OrderCommitter(hot.pool, {
    limits: { ...COMMITTER_LIMITS, batchMax: o.config.commitBatchMax },
    onBatch: (size) => metrics.committed(size),
  })
  metrics.gauge('purser_commit_queue_orders', 'Orders that wait for a commit.', () => {
    return committer.waiting
  })
  return {
    db: hot.db,
    clock: funnel.clock,
    keys: new KeyDirectory(hot.db, watch),
    catalogue: new CatalogueCache(hot.db, watch),
    numbers: new NumberBlocks(hot.pool),
    committer,
    drivers,
    funnel,
  }
}

function openDrivers(o: {
  funnel: Funnel
  config: Config
  secrets: SecretBox
  log: Logger
  metrics: Metrics
}): Drivers {
  const { secrets, log, metrics } = o
  const { database, clock } = o.funnel
  const { db } = database
  const world = { pool: database.pool, clock }
  const builtIn = new Map<string, DeliveryDriver>([
    ['simulated', simulatedDelivery(world)],
    [MANUAL_PROVIDER, manualDelivery(manualQueue(db))],
  ])
  const open = (settings: UpstreamSettings) =>
    apiV2Delivery(settings, {
      onReply: (kind) => metrics.calledUpstream(settings.name, kind.replaceAll(' ', '_')),
    })
  return {
    delivery: new UpstreamDrivers({ db, secrets, builtIn, open, log }),
    compute: new Map([['simulated', simulatedCompute(world)]]),
    payment: new Map([['simulated', simulatedCards(world)]]),
    webhooks: httpWebhookSender({ networks: o.config.webhookNetworks }),
  }
}
