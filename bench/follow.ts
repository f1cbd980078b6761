import { setTimeout as pause } from 'node:timers/promises'
import { ask, type Bench, checkBooks, WALLETS } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import { countCpu } from './processes.ts'
import { progress } from './report.ts'
import { openUpstreamShop, UPSTREAM, type UpstreamShop } from './upstream-shop.ts'

const FOLLOWED = 100_000
const ASKED_AT_ONCE = 100
/** What is looked at once a minute is looked at twice in this. */
const WATCHED_SECONDS = 130
const ALONE = 'the upstream alone, asked for as many at once'
const POLL_MS = 200
const WITHIN_MS = 10 * 60_000

/** Whether all orders in progress are looked at often enough, and what that takes. */
export async function benchFollow(bench: Bench): Promise<void> {
  const { report, options } = bench
  const count = options.count ?? FOLLOWED
  const line = `looks at ${count.toLocaleString('en-US')} orders in progress`
  const field = await openUpstreamShop(bench, { name: 'follow', wallets: WALLETS })
  const { purser, shop, upstream, serviceId } = field
  await purser.sleep()
  const filled = { count, state: 'in_progress', provider: UPSTREAM, withinSeconds: 3600 } as const
  const first = await fillOrders(purser, shop, { ...filled, serviceId })
  purser.wake()
  progress('waiting until each was looked at once')
  const startedMs = performance.now()
  while ((await upstream.stats()).seen < count) {
    if (performance.now() - startedMs > WITHIN_MS) throw new Error('orders are not looked at')
    await pause(POLL_MS)
  }
  const caughtUp = (performance.now() - startedMs) / 1000
  report.note(`All were due at once, and looked at for the first time in ${caughtUp.toFixed(1)} s.`)
  progress(`watching the looks for ${options.watchedSeconds ?? WATCHED_SECONDS} s`)
  await upstream.reset()
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const seconds = options.watchedSeconds ?? WATCHED_SECONDS
  await pause(seconds * 1000)
  const stats = await upstream.stats()
  report.add(line, { perSecond: stats.looked / seconds, count: stats.looked, seconds, cpu: cpu() })
  const perAsking = (stats.looked / Math.max(1, stats.asked)).toFixed(0)
  report.note(`An asking was for ${perAsking} orders on average.`)
  await checkSame(bench, field, { first, count })
  await askAlone(bench, field, first)
  report.target({
    name: 'longest between two looks at an order',
    value: stats.widestMs / 1000,
    digits: 1,
    unit: ' s',
    most: 60,
  })
  await checkBooks(bench, 'at the end', purser)
  report.target({
    name: 'most memory of the Node process',
    value: purser.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 300,
  })
  await purser.stop()
}

/** The upstream said of all that they are in progress: nothing else may have become of any. */
async function checkSame(
  bench: Bench,
  { purser }: UpstreamShop,
  o: { first: bigint; count: number },
): Promise<void> {
  const { rows } = await purser.database.pool.query<{ count: string }>(
    `select count(*)::text from service_order
     where id >= $1 and state = 'in_progress' and look_at is not null`,
    [o.first],
  )
  const same = Number(rows[0]?.count)
  if (same !== o.count) bench.report.problem(`${same} of ${o.count} orders are still followed`)
}

async function askAlone(bench: Bench, field: UpstreamShop, first: bigint): Promise<void> {
  const { purser, upstream } = field
  await purser.sleep()
  const bodies = Array.from({ length: 100 }, (_, call) => {
    const ids = Array.from({ length: ASKED_AT_ONCE }, (_, at) => {
      return first + BigInt(call * ASKED_AT_ONCE + at)
    })
    return `key=bench-key&action=status&orders=${ids.join(',')}`
  })
  const { seconds } = bench.options
  const url = `${upstream.url}/api/v2`
  const watched = { node: upstream.pid }
  const round = await ask(bench, ALONE, { url, bodies, keyed: false, seconds, watched })
  const perSecond = round.perSecond * ASKED_AT_ONCE
  bench.report.add(ALONE, { ...round, perSecond, count: round.count * ASKED_AT_ONCE })
}
