import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** A `counter` only grows while the process lives. */
interface Labelled<Label extends string> {
  readonly type: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly Label[]
}

interface Figure<Label extends string> {
  readonly labels: Record<Label, string>
  readonly value: number
}

/** Undefined: they are not known. */
type Readings<Label extends string> =
  | readonly Figure<Label>[]
  | Promise<readonly Figure<Label>[] | undefined>

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

  readonly #upstreamCalls = new Counter({
    name: 'purser_upstream_calls_total',
    help: 'Calls of upstreams by what became of them: answered, not sent, or lost on the way.',
    labelNames: ['upstream', 'outcome'],
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

  calledUpstream(upstream: string, outcome: string): void {
    this.#upstreamCalls.inc({ upstream, outcome })
  }

  committed(orders: number): void {
    this.#batches.observe(orders)
  }

  /** A figure that is read when Prometheus asks; undefined: it is not known. */
  gauge(
    name: string,
    help: string,
    read: () => number | undefined | Promise<number | undefined>,
  ): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set((await read()) ?? Number.NaN)
      },
    })
  }

  /** Figures by their labels, of which there are few, read when Prometheus asks. */
  labelled<Label extends string>(o: Labelled<Label>, read: () => Readings<Label>): void {
    const { name, help, labels: labelNames } = o
    const shape = { name, help, labelNames, registers: [this.registry] }
    if (o.type === 'gauge') {
      new Gauge<Label>({
        ...shape,
        async collect() {
          const figures = (await read()) ?? []
          this.reset()
          for (const { labels, value } of figures) this.set(labels, value)
        },
      })
      return
    }
    new Counter<Label>({
      ...shape,
      async collect() {
        const figures = (await read()) ?? []
        this.reset()
        for (const { labels, value } of figures) this.inc(labels, value)
      },
    })
  }
}
