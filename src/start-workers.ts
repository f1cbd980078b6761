import type { Logger } from 'pino'
import { payDuePurchases } from './core/billing/paying/pay-due-purchases.ts'
import type { UpstreamDrivers } from './core/upstreams/upstream-drivers.ts'
import type { Metrics } from './http/metrics.ts'
import type { Core, Stop } from './start-core.ts'
import { startCleanUp } from './workers/clean-up.ts'
import {
  type DeliveryFigures,
  type DeliveryWorker,
  startDeliveryWorker,
} from './workers/delivery-worker.ts'
import { startKeyUseWorker } from './workers/key-use-worker.ts'
import { startPaceWorker } from './workers/pace-worker.ts'
import { startPaymentWorker } from './workers/payment-worker.ts'
import { startRefillWorker } from './workers/refill-worker.ts'
import { startRenewalWorker } from './workers/renewal-worker.ts'
import { startServerWorker } from './workers/server-worker.ts'
import { startUnfoldWorker } from './workers/unfold-worker.ts'
import { startUpstreamWorker } from './workers/upstream-worker.ts'
import { startWebhookWorker, type WebhookFigures } from './workers/webhook-worker.ts'

/** Starts the loops that do what waits in rows; each goes into `stops`. */
export function startWorkers(core: Core, log: Logger, stops: Stop[]): void {
  const { funnel, drivers, desk, payments, secrets, metrics } = core
  const busy = () => desk.committer.busy
  const delivery = startDeliveryWorker({
    ...{ funnel, drivers: drivers.delivery, log, busy },
    policyOf: (provider) => drivers.delivery.policyOf(provider),
  })
  const webhooks = startWebhookWorker({ funnel, sender: drivers.webhooks, secrets, log, busy })
  tellFigures(metrics, delivery)
  tellWebhooks(metrics, webhooks)
  tellBreakers(metrics, delivery, drivers.delivery)
  const workers = [
    delivery,
    startUnfoldWorker({ funnel, drivers: drivers.delivery, numbers: desk.numbers, log, busy }),
    startRefillWorker({ funnel, drivers: drivers.delivery, log }),
    webhooks,
    startUpstreamWorker({ funnel, upstreams: drivers.delivery, log }),
    startServerWorker({ funnel, compute: drivers.compute, log }),
    startPaymentWorker({ payments, log }),
    startRenewalWorker({ funnel, payDue: (o) => payDuePurchases(payments, o), log, busy }),
    startCleanUp({ funnel, log, busy }),
    startPaceWorker({ funnel, log, busy }),
    startKeyUseWorker({ funnel, keys: desk.keys, log }),
  ]
  for (const worker of workers) stops.push(() => worker.stop())
}

function tellFigures(metrics: Metrics, worker: DeliveryWorker): void {
  const gauges: [name: keyof DeliveryFigures, metric: string, help: string][] = [
    ['handedOver', 'purser_delivery_handed_over_orders', 'Orders handed over since the start.'],
    ['looked', 'purser_delivery_looks', 'Looks at deliveries since the start.'],
    ['inFlight', 'purser_delivery_chunks', 'Chunks of orders at providers at the moment.'],
    ['failing', 'purser_delivery_failing', 'Providers that take or tell nothing, counted each.'],
  ]
  for (const [name, metric, help] of gauges) metrics.gauge(metric, help, () => worker.figures[name])
}

function tellWebhooks(metrics: Metrics, worker: { readonly figures: WebhookFigures }): void {
  const outcomes = ['received', 'refused', 'unreachable'] as const
  metrics.labelled(
    {
      type: 'counter',
      name: 'purser_webhook_deliveries_total',
      help: 'Attempts to deliver a webhook message by what came of them.',
      labels: ['outcome'],
    },
    () => outcomes.map((outcome) => ({ labels: { outcome }, value: worker.figures[outcome] })),
  )
  metrics.labelled(
    {
      type: 'counter',
      name: 'purser_webhook_endpoints_switched_off_total',
      help: 'Webhook endpoints that were switched off for failing.',
      labels: [],
    },
    () => [{ labels: {}, value: worker.figures.switchedOff }],
  )
}

/** As Prometheus shows them: whether an upstream is left alone. */
const BREAKER_VALUES = { closed: 0, trial: 0.5, open: 1 } as const

function tellBreakers(metrics: Metrics, worker: DeliveryWorker, upstreams: UpstreamDrivers): void {
  metrics.labelled(
    {
      type: 'gauge',
      name: 'purser_upstream_breaker',
      help: 'Whether an upstream is left alone for failing: 1 it is, 0.5 it is tried, 0 it works.',
      labels: ['upstream', 'work'],
    },
    () => {
      const { builtIn } = upstreams
      const names = [...upstreams.names].filter((name) => !builtIn.has(name))
      return names.flatMap((upstream) => {
        const { submit, look } = worker.breakersOf(upstream)
        return [
          { labels: { upstream, work: 'hand_over' }, value: BREAKER_VALUES[submit] },
          { labels: { upstream, work: 'follow' }, value: BREAKER_VALUES[look] },
        ]
      })
    },
  )
}
