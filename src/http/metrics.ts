import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What `/metrics` tells Prometheus. */
export class Metrics {
  readonly registry = new Registry()
  readonly #requests = new Counter({
    name: 'purser_http_requests_total',
    help: 'Answered requests by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [this.registry],
  })
  /** By method, route and status: as many as there are answers that differ in these. */
  readonly #counters = new Map<string, Counter.Internal>()
  readonly #seconds = new Histogram({
    name: 'purser_http_request_seconds',
    help: 'Time from request to answer.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers: [this.registry],
  })
  readonly #batches = new Histogram({
    name: 'purser_commit_batch_orders',
    help: 'Orders that shared one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  answered(o: { method: string; route: string; status: number; ms: number }): void {
    // prom-client sorts and joins the labels at each call; a counter of known labels need not.
    const name = `${o.method} ${o.route} ${o.status}`
    let counter = this.#counters.get(name)
    if (counter === undefined) {
      counter = this.#requests.labels(o.method, o.route, String(o.status))
      this.#counters.set(name, counter)
    }
    counter.inc()
    this.#seconds.observe(o.ms / 1000)
  }

  committed(orders: number): void {
    this.#batches.observe(orders)
  }

  /** A figure that is read when Prometheus asks. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}
