import { setTimeout as pause } from 'node:timers/promises'
import { findFreePort } from '../src/db/embedded/free-port.ts'
import { ask, type Bench, checkBooks, newPurser } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import { openOperatorApi } from './operator-api.ts'
import { type OutsideProcess, type SinkStats, startSink } from './outside.ts'
import { countCpu, peakMemoryMb } from './processes.ts'
import type { PurserProcess } from './purser-process.ts'
import { progress } from './report.ts'
import { openShop, type Shop, type Wallet } from './shop.ts'

const ENDPOINTS = 1_000
/** One in a hundred of those that are told; half refuse connections, half never answer. */
const DEAD = 10
const MESSAGES = 20_000
const STEADY_PER_SECOND = 200
const STEADY_EVERY_MS = 100
const POLL_MS = 50
const WITHIN_MS = 5 * 60_000
/** Loopback is where the sink is; by itself Purser sends nothing there. */
const ENV = { WEBHOOK_NETWORKS: '127.0.0.0/8' }
const ALONE = 'the sink alone, asked as often'

/** Whom changes are made for: as many endpoints, with none or one in a hundred of them dead. */
interface Audience {
  readonly name: string
  readonly live: readonly Wallet[]
  readonly dead: readonly Wallet[]
}

interface Field {
  readonly bench: Bench
  readonly purser: PurserProcess
  readonly sink: OutsideProcess<SinkStats>
  readonly shop: Shop
}

const burstLine = ({ name }: Audience) => `webhooks, ${name}`
const steadyLine = ({ name }: Audience) => `delay at ${STEADY_PER_SECOND} changes a second, ${name}`

/** How fast accounts are told, and whether dead endpoints keep the others waiting. */
export async function benchWebhooks(bench: Bench): Promise<void> {
  const { report, options } = bench
  const purser = newPurser(bench, 'webhooks')
  await purser.run(ENV)
  const shop = await openShop(purser.database, { wallets: ENDPOINTS + DEAD })
  const sink = bench.life.use(await startSink(bench.dir))
  const field = { bench, purser, sink, shop }
  const dead = shop.wallets.slice(ENDPOINTS)
  await nameEndpoints(field, dead)
  const live = shop.wallets.slice(0, ENDPOINTS)
  const audiences: readonly Audience[] = [
    { name: 'all endpoints alive', live, dead: [] },
    { name: '1 % of endpoints dead', live: live.slice(DEAD), dead },
  ]
  for (let round = 1; round <= options.rounds; round++) {
    progress(`round ${round} of ${options.rounds}`)
    for (const audience of round % 2 === 1 ? audiences : audiences.toReversed()) {
      await burst(field, audience)
      await steady(field, audience)
    }
    await askAlone(field)
  }
  tellTargets(bench, audiences)
  const memoryMb = peakMemoryMb(purser.pid)
  await checkBooks(bench, 'after all rounds', purser)
  await purser.stop()
  report.target({
    name: 'most memory of the Node process',
    value: memoryMb,
    digits: 0,
    unit: ' MB',
    most: 300,
  })
}

/** Gives every account an endpoint of its own, by the account's field. */
async function nameEndpoints(field: Field, dead: readonly Wallet[]): Promise<void> {
  const { purser, sink, shop } = field
  progress(`naming ${shop.wallets.length} endpoints`)
  const api = await openOperatorApi(purser)
  const refusing = `http://127.0.0.1:${await findFreePort()}`
  const deadUrls = dead.map((_, at) => (at % 2 === 0 ? `${refusing}/` : `${sink.url}/silent`))
  for (const [at, wallet] of shop.wallets.entries()) {
    const url = deadUrls[at - ENDPOINTS] ?? `${sink.url}/account/${wallet.accountId}`
    await api('PATCH', `/accounts/${wallet.accountId}`, { webhook_url: url })
  }
}

/** Many changes at once; over when all who are alive have been told. */
async function burst({ bench, purser, sink, shop }: Field, audience: Audience): Promise<void> {
  const { report, options } = bench
  const count = options.count ?? MESSAGES
  const { live, dead } = audience
  const deadCount = Math.round((count * dead.length) / (live.length + dead.length))
  await purser.sleep()
  await fillOrders(purser, { ...shop, wallets: live }, { count: count - deadCount, ...NOW })
  if (deadCount > 0) {
    await fillOrders(purser, { ...shop, wallets: dead }, { count: deadCount, ...NOW })
  }
  await sink.reset()
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const startedMs = performance.now()
  purser.wake()
  while ((await sink.stats()).orders < count - deadCount) {
    if (performance.now() - startedMs > WITHIN_MS) throw new Error('webhooks do not arrive')
    await pause(POLL_MS)
  }
  const seconds = (performance.now() - startedMs) / 1000
  const told = count - deadCount
  report.add(burstLine(audience), { perSecond: told / seconds, count: told, seconds, cpu: cpu() })
}

const NOW = { withinSeconds: 0 } as const

/** A few changes at a time, and how long after each its webhook came. */
async function steady({ bench, purser, sink, shop }: Field, audience: Audience): Promise<void> {
  const { report, options } = bench
  const wallets = [...audience.live, ...audience.dead]
  const each = (STEADY_PER_SECOND * STEADY_EVERY_MS) / 1000
  await sink.reset()
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const startedMs = performance.now()
  let first: bigint | undefined
  for (let made = 0; performance.now() - startedMs < options.seconds * 1000; made += each) {
    // Every wallet in turn, as many changes as it would have by chance.
    const at = made % wallets.length
    const some = [...wallets, ...wallets].slice(at, at + each)
    const filled = await fillOrders(purser, { ...shop, wallets: some }, { count: each, ...NOW })
    first ??= filled
    const nextMs = startedMs + ((made + each) / STEADY_PER_SECOND) * 1000
    await pause(Math.max(0, nextMs - performance.now()))
  }
  const delays = await delaysFrom({ bench, purser, sink, shop }, { first: first ?? 0n, audience })
  const sorted = [...delays].sort((a, b) => a - b)
  const share = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  const { seconds } = options
  const [p50Ms, p99Ms] = [share(0.5), share(0.99)]
  const perSecond = delays.length / seconds
  const round = { perSecond, count: delays.length, seconds, p50Ms, p99Ms, cpu: cpu() }
  report.add(steadyLine(audience), round)
}

/** How long each change of the living waited to be told, once all of them have been. */
async function delaysFrom(
  { purser, sink }: Field,
  o: { first: bigint; audience: Audience },
): Promise<number[]> {
  const { rows } = await purser.database.pool.query<{ id: bigint; at_ms: number }>(
    `select subject_id as id, (extract(epoch from created_at) * 1000)::float8 as at_ms from event
     where kind = 'order.completed' and subject_id >= $1 and account_id = any ($2::bigint[])`,
    [o.first, o.audience.live.map((wallet) => wallet.accountId)],
  )
  const deadlineMs = performance.now() + WITHIN_MS
  for (;;) {
    const arrivals = await sink.arrivals()
    const delays = rows.flatMap(({ id, at_ms }) => {
      const arrivedMs = arrivals.get(Number(id))
      return arrivedMs === undefined ? [] : [arrivedMs - at_ms]
    })
    if (delays.length === rows.length) return delays
    if (performance.now() > deadlineMs) throw new Error('webhooks do not arrive')
    await pause(POLL_MS)
  }
}

async function askAlone({ bench, purser, sink }: Field): Promise<void> {
  await purser.sleep()
  const change = { status: 'Completed', remains: 0, start_count: 0, charge: 0.045 }
  const bodies = Array.from({ length: 100 }, (_, at) =>
    JSON.stringify({ order_id: at + 1, ...change }),
  )
  const { seconds } = bench.options
  const watched = { node: sink.pid }
  const url = `${sink.url}/account/0`
  bench.report.add(ALONE, await ask(bench, ALONE, { url, bodies, keyed: false, seconds, watched }))
}

function tellTargets({ report }: Bench, [alive, dying]: readonly Audience[]): void {
  if (alive === undefined || dying === undefined) return
  report.target({
    name: `${burstLine(dying)}, a second`,
    value: report.perSecond(burstLine(dying)),
    digits: 0,
    unit: '',
    least: 1000,
  })
  report.target({
    name: `${burstLine(dying)} / ${alive.name}`,
    value: report.ratio(burstLine(dying), burstLine(alive)),
    digits: 2,
    unit: ' x',
    least: 0.9,
  })
  const p99 = (audience: Audience) => report.median(steadyLine(audience), (round) => round.p99Ms)
  const [with1, without] = [p99(dying), p99(alive)]
  report.target({
    name: 'p99 of the delay, 1 % dead / none',
    value: with1 === undefined || without === undefined ? undefined : with1 / without,
    digits: 2,
    unit: ' x',
    most: 1.2,
  })
  const share = report.ratio(burstLine(alive), ALONE)
  if (share !== undefined) report.note(`${burstLine(alive)} / ${ALONE}: ${share.toFixed(2)} x.`)
}
