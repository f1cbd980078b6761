import { setTimeout as pause } from 'node:timers/promises'
import { ask, type Bench, checkBooks, WALLETS } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import { countCpu } from './processes.ts'
import { progress } from './report.ts'
import { openUpstreamShop, UPSTREAM, type UpstreamShop } from './upstream-shop.ts'

const ORDERS = 20_000
const LINE = 'orders handed over to an upstream'
const ALONE = 'the upstream alone, asked for as many'
const POLL_MS = 50
const WITHIN_MS = 5 * 60_000

/** How fast orders that wait are handed over to an upstream on the same machine. */
export async function benchDispatch(bench: Bench): Promise<void> {
  const { report, options } = bench
  const count = options.count ?? ORDERS
  const field = await openUpstreamShop(bench, { name: 'dispatch', wallets: WALLETS })
  for (let round = 1; round <= options.rounds; round++) {
    progress(`round ${round} of ${options.rounds}: ${count.toLocaleString('en-US')} orders`)
    await dispatchRound(bench, field, count)
    await field.purser.sleep()
    const bodies = Array.from({ length: 1000 }, (_, at) => addBody(round, at))
    const { seconds } = options
    const watched = { node: field.upstream.pid }
    const url = `${field.upstream.url}/api/v2`
    report.add(ALONE, await ask(bench, ALONE, { url, bodies, keyed: true, seconds, watched }))
  }
  await checkBooks(bench, 'after all rounds', field.purser)
  report.target({
    name: `${LINE}, a second`,
    value: report.perSecond(LINE),
    digits: 0,
    unit: '',
    least: 1000,
  })
  const share = report.ratio(LINE, ALONE)
  if (share !== undefined) report.note(`${LINE} / ${ALONE}: ${share.toFixed(2)} x.`)
  report.target({
    name: 'most memory of the Node process',
    value: field.purser.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 300,
  })
  await field.purser.stop()
}

/** As the driver sends it, with a link that no order of Purser's has. */
function addBody(round: number, at: number): string {
  const link = encodeURIComponent(`https://shop.example/alone/${round}/${at}`)
  return `key=bench-key&action=add&service=1&link=${link}&quantity=50`
}

/** Lets Purser wake up to orders that wait; over once the upstream's answers are written. */
async function dispatchRound(bench: Bench, field: UpstreamShop, count: number): Promise<void> {
  const { purser, shop, upstream, serviceId } = field
  const { report } = bench
  await purser.sleep()
  const filled = { count, state: 'pending', provider: UPSTREAM, withinSeconds: 60 } as const
  const first = await fillOrders(purser, shop, { ...filled, serviceId })
  await upstream.reset()
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const startedMs = performance.now()
  purser.wake()
  while ((await takenFrom(field, first)) < count) {
    if (performance.now() - startedMs > WITHIN_MS) throw new Error('the orders are not handed over')
    await pause(POLL_MS)
  }
  const seconds = (performance.now() - startedMs) / 1000
  report.add(LINE, { perSecond: count / seconds, count, seconds, cpu: cpu() })
  const { added, repeated } = await upstream.stats()
  if (added !== count || repeated > 0) {
    report.problem(`${LINE}: ${count} waited, ${added} came, ${repeated} of them again`)
  }
}

async function takenFrom({ purser }: UpstreamShop, first: bigint): Promise<number> {
  const { rows } = await purser.database.pool.query<{ count: string }>(
    `select count(*)::text from service_order
     where id >= $1 and provider = $2 and provider_ref is not null`,
    [first, UPSTREAM],
  )
  return Number(rows[0]?.count)
}
