import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, checkBooks } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import { type OutsideProcess, type SinkStats, startSink } from './outside.ts'
import { type CpuSeconds, countCpu, memoryMb } from './processes.ts'
import { progress } from './report.ts'
import { fillCatalogue, QUANTITY, type Wallet } from './shop.ts'
import { startSteadyLoad } from './steady-load.ts'
import { openUpstreamShop, UPSTREAM, type UpstreamShop } from './upstream-shop.ts'

const WALLETS = 200
const DEAD_ENDPOINTS = 2
const LISTED = 1_000
const FOLLOWED = 20_000
const ASKED_AT_ONCE = 100
/** Long enough to be looked at, short enough that as many end as begin. */
const COMPLETES_AFTER_MS = 20_000
const SAMPLE_EVERY_MS = 5_000
/** Caches, plans and the compiler's work are there after this share of the time. */
const WARM_SHARE = 0.2
const ENV = { WEBHOOK_NETWORKS: '127.0.0.0/8' }

interface Load {
  readonly line: string
  readonly perSecond: number
  readonly bodies: readonly string[]
}

/** Everything that Purser does for resellers at once, and what its memory does meanwhile. */
export async function benchSoak(bench: Bench): Promise<void> {
  const { report, options } = bench
  const shared = { completesAfterMs: COMPLETES_AFTER_MS, env: ENV }
  const field = await openUpstreamShop(bench, { name: 'soak', wallets: WALLETS, ...shared })
  const { purser, shop, serviceId } = field
  const sink = bench.life.use(await startSink(bench.dir))
  await fillCatalogue(purser.database, { shop, count: LISTED })
  const filled = { count: FOLLOWED, state: 'in_progress', provider: UPSTREAM, serviceId } as const
  const first = await fillOrders(purser, shop, { ...filled, withinSeconds: 3600 })
  await nameEndpoints(field, sink)
  progress(`everything at once for ${options.minutes} minutes`)
  const url = `${purser.url}/api/v2`
  const running = loadsOf(field, first).map((load) => ({
    load,
    ...startSteadyLoad({ url, ...load }),
  }))
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const samples = await sampleMemory(purser.pid, options.minutes)
  const used = cpu()
  const nothing: CpuSeconds = { node: 0, postgres: 0, load: 0 }
  for (const { load, stop } of running) {
    const { answers, refusals, seconds, ...latencies } = await stop()
    if (refusals > 0) report.problem(`${load.line}: ${refusals} of ${answers} were refused`)
    const round = { perSecond: answers / seconds, count: answers, seconds, ...latencies }
    report.add(load.line, { ...round, cpu: nothing })
  }
  await tellOutside(bench, { field, sink, used })
  tellMemory(bench, samples)
  await checkBooks(bench, 'at the end', purser)
  await purser.stop()
}

/** Each reseller is told; one in a hundred endpoints never answers. */
async function nameEndpoints(
  { shop, ask }: UpstreamShop,
  sink: OutsideProcess<SinkStats>,
): Promise<void> {
  for (const [at, { accountId }] of shop.wallets.entries()) {
    const path = at < DEAD_ENDPOINTS ? 'silent' : `account/${accountId}`
    await ask('PATCH', `/accounts/${accountId}`, { webhook_url: `${sink.url}/${path}` })
  }
}

/** What two hundred resellers send, steadily. */
function loadsOf({ shop, serviceId }: UpstreamShop, first: bigint): Load[] {
  const ofAll = (fields: (wallet: Wallet, at: number) => string) =>
    shop.wallets.map((wallet, at) => `key=${wallet.key}&${fields(wallet, at)}`)
  const link = encodeURIComponent('https://shop.example/item')
  const add = (service: bigint) =>
    ofAll(() => `action=add&service=${service}&link=${link}&quantity=${QUANTITY}`)
  const own = (wallet: Wallet) => ordersOf(shop.wallets, { wallet, first })
  return [
    { line: 'add, delivered by the upstream', perSecond: 40, bodies: add(serviceId) },
    { line: 'add, delivered by the simulator', perSecond: 10, bodies: add(shop.serviceId) },
    {
      line: 'status',
      perSecond: 50,
      bodies: ofAll((wallet) => `action=status&order=${own(wallet)[0]}`),
    },
    {
      line: `multiStatus of ${ASKED_AT_ONCE}`,
      perSecond: 10,
      bodies: ofAll((wallet) => `action=multiStatus&orders=${own(wallet).join(',')}`),
    },
    { line: 'balance', perSecond: 20, bodies: ofAll(() => 'action=balance') },
    { line: `services, ${LISTED}`, perSecond: 5, bodies: ofAll(() => 'action=services') },
  ]
}

/** A hundred of the orders that were filled in for this wallet: they go round the wallets. */
function ordersOf(wallets: readonly Wallet[], o: { wallet: Wallet; first: bigint }): bigint[] {
  const count = BigInt(wallets.length)
  const at = BigInt(wallets.indexOf(o.wallet))
  const orders: bigint[] = []
  for (let id = o.first; orders.length < ASKED_AT_ONCE && id < o.first + BigInt(FOLLOWED); id++) {
    if ((id * 7919n) % count === at) orders.push(id)
  }
  return orders
}

async function sampleMemory(pid: number, minutes: number): Promise<number[]> {
  const samples: number[] = []
  const untilMs = performance.now() + minutes * 60_000
  while (performance.now() < untilMs) {
    await pause(SAMPLE_EVERY_MS)
    samples.push(memoryMb(pid))
    if (samples.length % 12 === 0) progress(`${Math.round(samples.at(-1) ?? 0)} MB`)
  }
  return samples
}

async function tellOutside(
  { report, options }: Bench,
  o: { field: UpstreamShop; sink: OutsideProcess<SinkStats>; used: CpuSeconds },
): Promise<void> {
  const seconds = options.minutes * 60
  const stats = await o.field.upstream.stats()
  const { received } = await o.sink.stats()
  if (stats.repeated > 0) report.problem(`${stats.repeated} orders came to the upstream again`)
  if (received === 0) report.problem('no webhook arrived')
  const rate = (count: number) => `${(count / seconds).toFixed(0)} a second`
  report.note(
    `Meanwhile ${rate(stats.orders)} were handed over, ${rate(stats.looked)} looked at and ` +
      `${rate(received)} webhooks received; Node used ${(o.used.node / seconds).toFixed(2)} cores, ` +
      `PostgreSQL ${(o.used.postgres / seconds).toFixed(2)}.`,
  )
}

/** The middle of what is left after warming up against the end: each the median of a third. */
function tellMemory({ report }: Bench, samples: readonly number[]): void {
  const warm = samples.slice(Math.floor(samples.length * WARM_SHARE))
  const third = Math.max(1, Math.floor(warm.length / 3))
  const median = (part: readonly number[]) =>
    [...part].sort((a, b) => a - b)[part.length >> 1] ?? Number.NaN
  const [begin, end] = [median(warm.slice(0, third)), median(warm.slice(-third))]
  report.note(
    `Memory of the Node process: ${begin.toFixed(0)} MB in the first third after warming up, ` +
      `${end.toFixed(0)} MB in the last, ${Math.max(...samples).toFixed(0)} MB at the most.`,
  )
  report.target({
    name: 'memory, last third / first third',
    value: end / begin,
    digits: 2,
    unit: ' x',
    most: 1.1,
  })
}
