import { setTimeout as pause } from 'node:timers/promises'
import { addBody, type Bench, checkBooks, newPurser } from './bench.ts'
import { fillServers, openFleet, type ServerFleet } from './fill-servers.ts'
import { countCpu } from './processes.ts'
import type { PurserProcess } from './purser-process.ts'
import { progress } from './report.ts'
import { openShop, type Shop } from './shop.ts'
import { startSteadyLoad } from './steady-load.ts'

const SERVERS_PER_ACCOUNT = 5
const ORDERING_WALLETS = 50
const ADDS_PER_SECOND = 50
const WARM_UP_SECONDS = 3
const POLL_MS = 100
const WITHIN_MS = 15 * 60_000
const ALONE = `add, ${ADDS_PER_SECOND} a second, nothing else`
const MEANWHILE = `add, ${ADDS_PER_SECOND} a second, meanwhile`

interface Field {
  readonly bench: Bench
  readonly purser: PurserProcess
  readonly shop: Shop
  readonly fleet: ServerFleet
}

/** How fast the scheduler renews what is due, and what those feel who order meanwhile. */
export async function benchRenewals(bench: Bench): Promise<void> {
  const { options, report } = bench
  const count = options.subscriptions
  const line = `renewals, ${count.toLocaleString('en-US')} due at once`
  const purser = newPurser(bench, 'renewals')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: ORDERING_WALLETS })
  const fleet = await openFleet(purser, { accounts: Math.ceil(count / SERVERS_PER_ACCOUNT) })
  const field = { bench, purser, shop, fleet }
  await addsWhile(field, undefined, pause(WARM_UP_SECONDS * 1000))
  for (let round = 1; round <= options.rounds; round++) {
    progress(`round ${round} of ${options.rounds}: filling in ${count} subscriptions`)
    await purser.sleep()
    await fillServers(purser, fleet, { count, madeOut: false })
    await addsWhile(field, MEANWHILE, renewalRound(field, line))
    await addsWhile(field, ALONE, pause(options.seconds * 1000))
  }
  await checkBooks(bench, 'after all rounds', purser)
  await purser.stop()
  report.target({
    name: `${count.toLocaleString('en-US')} renewals`,
    value: report.median(line, (round) => round.seconds),
    digits: 1,
    unit: ' s',
    most: (60 * count) / 100_000,
  })
  report.target({
    name: 'p99 of add meanwhile',
    value: report.median(MEANWHILE, (round) => round.p99Ms),
    digits: 0,
    unit: ' ms',
    most: 200,
  })
  report.target({
    name: 'most memory of the Node process',
    value: purser.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 300,
  })
}

/** Lets Purser wake up to what is due; over once all of it is made out, paid and extended. */
async function renewalRound({ bench, purser }: Field, line: string): Promise<void> {
  const { options, report } = bench
  const before = await countRenewed(purser)
  const due = await numbersGiven(purser)
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  const startedMs = performance.now()
  purser.wake()
  while ((await numbersGiven(purser)) < due + options.subscriptions) {
    if (performance.now() - startedMs > WITHIN_MS) throw new Error('the renewals do not end')
    await pause(POLL_MS)
  }
  const seconds = (performance.now() - startedMs) / 1000
  const count = options.subscriptions
  report.add(line, { perSecond: count / seconds, count, seconds, cpu: cpu() })
  const after = await countRenewed(purser)
  for (const [what, number] of Object.entries(after)) {
    const made = number - (before[what] ?? 0)
    if (made !== count) report.problem(`${line}: ${count} were due, but ${made} ${what}`)
  }
}

/** Adds at a steady rate for as long as `body` takes. */
async function addsWhile(
  { bench, purser, shop }: Field,
  line: string | undefined,
  body: Promise<unknown>,
): Promise<void> {
  const load = startSteadyLoad({
    url: `${purser.url}/api/v2`,
    bodies: shop.wallets.map((wallet) => addBody(shop, wallet)),
    perSecond: ADDS_PER_SECOND,
  })
  const cpu = countCpu({ node: purser.pid, postmaster: purser.postmaster })
  await body
  const { answers, refusals, p50Ms, p99Ms, seconds } = await load.stop()
  if (line === undefined) return
  if (refusals > 0) bench.report.problem(`${line}: ${refusals} of ${answers} were refused`)
  const round = { perSecond: answers / seconds, count: answers, seconds, p50Ms, p99Ms, cpu: cpu() }
  bench.report.add(line, round)
}

/** Each renewal that was paid has taken the next number: cheap to ask. */
async function numbersGiven(purser: PurserProcess): Promise<number> {
  const { rows } = await purser.database.pool.query<{ last: string }>(
    'select last_number::text as last from invoice_series',
  )
  return Number(rows[0]?.last)
}

/** What a renewal leaves behind, one of each. */
async function countRenewed(purser: PurserProcess): Promise<Readonly<Record<string, number>>> {
  const { rows } = await purser.database.pool.query<Record<string, number>>(`
    select (select count(*)::integer from purchase where state = 'paid') as paid,
      (select count(*)::integer from invoice where state = 'paid') as invoiced,
      (select count(*)::integer from hold where state = 'settled') as charged,
      (select count(*)::integer from subscription_period where purchase_line_id is not null)
        as extended,
      (select count(*)::integer from event where kind = 'subscription.renewed') as evented,
      (select count(*)::integer from simulated_server where paid_until is not null) as provided`)
  return rows[0] ?? {}
}
