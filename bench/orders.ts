import { type BareProcess, startBare } from './bare-process.ts'
import {
  ask,
  askForOrders,
  type Bench,
  checkBooks,
  newPurser,
  type Options,
  WALLETS,
} from './bench.ts'
import {
  createPlaceOne,
  dropPlaceOne,
  findPgbench,
  PGBENCH_FIRST_ID,
  placeOneScript,
  runPgbench,
} from './pgbench.ts'
import { countCpu } from './processes.ts'
import type { PurserProcess } from './purser-process.ts'
import { progress } from './report.ts'
import { openShop, type Shop } from './shop.ts'

const ADD = 'add, 1,000 wallets'
const ADD_ONE = 'add, one wallet'
const SINGLE = 'add, 1,000 wallets, batches of one'
const BARE = 'bare route'
const CLIENTS = [8, 16, 32]
const pgbenchLine = (wallets: string, clients: number) => `pgbench, ${wallets}, ${clients} clients`
const WARM_UP_SECONDS = 3
const SUSTAINED_WARM_UP_SECONDS = 5
const WINDOW_SECONDS = 10
const BATCHES_OF_ONE = { PURSER_COMMIT_BATCH_MAX: '1' }

/** The contestants of one run, on one database. */
interface Field {
  readonly bench: Bench
  readonly purser: PurserProcess
  readonly bare: BareProcess
  readonly shop: Shop
}

/** How fast orders are placed, against the same rows one a transaction, and for how long. */
export async function benchOrders(bench: Bench): Promise<void> {
  const { report, options } = bench
  const pgbench = findPgbench()
  if (pgbench === undefined) report.note('pgbench is not installed: its lines are left out.')
  const purser = newPurser(bench, 'orders')
  await purser.run()
  // The last wallet is the one of the lines with one wallet.
  const shop = await openShop(purser.database, { wallets: WALLETS + 1 })
  if (pgbench !== undefined) await createPlaceOne(purser, shop)
  const bare = bench.life.use(await startBare(bench.dir))
  const field = { bench, purser, bare, shop }
  const contestants = [
    () => addRound(field, ADD, { env: {}, one: false }),
    () => addRound(field, ADD_ONE, { env: {}, one: true }),
    ...(pgbench === undefined ? [] : [() => pgbenchRounds(field, pgbench)]),
    () => addRound(field, SINGLE, { env: BATCHES_OF_ONE, one: false }),
    () => bareRound(field),
  ]
  await warmUpBare(field)
  for (let round = 0; round < options.rounds; round++) {
    progress(`round ${round + 1} of ${options.rounds}`)
    // There and back again, so that what comes later is not always the same.
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      await contestant()
    }
  }
  if (pgbench !== undefined) await dropPlaceOne(purser)
  await checkBooks(bench, 'after all rounds', purser)
  await purser.stop()
  const sustained = options.sustainedSeconds > 0 ? await sustain(bench) : undefined
  tellTargets(bench, {
    lastToFirst: sustained?.lastToFirst,
    peakMemoryMb: Math.max(purser.peakMemoryMb, sustained?.peakMemoryMb ?? 0),
  })
}

async function addRound(
  field: Field,
  line: string,
  o: { env: Readonly<Record<string, string>>; one: boolean },
): Promise<void> {
  const { bench, purser, shop } = field
  const started = await purser.run(o.env)
  const wallets = o.one ? shop.wallets.slice(WALLETS) : shop.wallets.slice(0, WALLETS)
  const load = { purser, shop, wallets }
  if (started || bench.report.perSecond(line) === undefined) {
    await askForOrders(bench, `${line}, warming up`, { ...load, seconds: WARM_UP_SECONDS })
  }
  const round = await askForOrders(bench, line, { ...load, seconds: bench.options.seconds })
  bench.report.add(line, round)
}

/** On the same server, the Node process asleep meanwhile. */
async function pgbenchRounds({ bench, purser }: Field, program: string): Promise<void> {
  const { dir, report, options } = bench
  await purser.run()
  await purser.sleep()
  const kinds = [
    { name: '1,000 wallets', wallets: { from: 1, to: WALLETS } },
    { name: 'one wallet', wallets: { from: WALLETS + 1, to: WALLETS + 1 } },
  ]
  for (const { name, wallets } of kinds) {
    for (const clients of CLIENTS) {
      const { seconds } = options
      const before = await countPlaced(purser)
      const cpu = countCpu({ postmaster: purser.postmaster })
      const script = placeOneScript(wallets)
      const result = await runPgbench(purser, { program, dir, clients, seconds, script })
      const used = cpu()
      const line = pgbenchLine(name, clients)
      const placed = (await countPlaced(purser)) - before
      if (placed !== result.count) {
        report.problem(`${line}: ${result.count} transactions, but ${placed} orders`)
      }
      report.add(line, { ...result, seconds, cpu: used })
    }
  }
}

async function countPlaced(purser: PurserProcess): Promise<number> {
  const { rows } = await purser.database.pool.query<{ count: string }>(
    'select count(*)::text from service_order where id >= $1',
    [PGBENCH_FIRST_ID],
  )
  return Number(rows[0]?.count)
}

async function bareRound(field: Field): Promise<void> {
  const { bench, purser } = field
  await purser.sleep()
  bench.report.add(BARE, await askBare(field, bench.options.seconds))
}

async function warmUpBare(field: Field): Promise<void> {
  await field.purser.sleep()
  await askBare(field, WARM_UP_SECONDS)
}

function askBare({ bench, bare, shop }: Field, seconds: number) {
  const bodies = shop.wallets.map(
    ({ key, accountId }) =>
      `key=${key}&action=add&service=1&link=https%3A%2F%2Fshop.example%2F${accountId}&quantity=50`,
  )
  const url = `${bare.url}/api/v2`
  return ask(bench, BARE, { url, bodies, keyed: true, seconds, watched: { node: bare.pid } })
}

interface Sustained {
  readonly lastToFirst: number
  readonly peakMemoryMb: number
}

/** One long round on a database of its own: whether the end is as fast as the beginning. */
async function sustain(bench: Bench): Promise<Sustained> {
  const { report, options } = bench
  progress(`${options.sustainedSeconds} s on a fresh database`)
  const purser = newPurser(bench, 'sustained')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: WALLETS })
  const seconds = SUSTAINED_WARM_UP_SECONDS + options.sustainedSeconds
  const startedAt = Date.now()
  const line = `add, 1,000 wallets, ${options.sustainedSeconds} s on end, fresh database`
  const load = { purser, shop, wallets: shop.wallets, seconds }
  report.add(line, await askForOrders(bench, line, load))
  const window = windowSeconds(options)
  const placed = (fromSeconds: number) =>
    countBetween(purser, startedAt + fromSeconds * 1000, window)
  const first = await placed(SUSTAINED_WARM_UP_SECONDS)
  const last = await placed(seconds - window)
  const perSecond = (orders: number) => Math.round(orders / window).toLocaleString('en-US')
  report.note(
    `sustained: ${perSecond(first)} orders/s in the first ${window} s (after ` +
      `${SUSTAINED_WARM_UP_SECONDS} s of warm-up), ${perSecond(last)} in the last.`,
  )
  await checkBooks(bench, 'sustained', purser)
  await purser.stop()
  return { lastToFirst: last / first, peakMemoryMb: purser.peakMemoryMb }
}

/** A long round is compared at both ends; a short one, for trying the bench, by its halves. */
function windowSeconds({ sustainedSeconds }: Options): number {
  return Math.min(WINDOW_SECONDS, sustainedSeconds / 2)
}

async function countBetween(
  purser: PurserProcess,
  fromMs: number,
  seconds: number,
): Promise<number> {
  const { rows } = await purser.database.pool.query<{ count: string }>(
    'select count(*)::text from service_order where created_at >= $1 and created_at < $2',
    [new Date(fromMs), new Date(fromMs + seconds * 1000)],
  )
  return Number(rows[0]?.count)
}

function tellTargets(
  { report, options }: Bench,
  o: { lastToFirst: number | undefined; peakMemoryMb: number },
): void {
  const best = (wallets: string) => {
    const rates = CLIENTS.flatMap(
      (clients) => report.perSecond(pgbenchLine(wallets, clients)) ?? [],
    )
    return rates.length === 0 ? undefined : Math.max(...rates)
  }
  const over = (line: string, base: number | undefined) => {
    const rate = report.perSecond(line)
    return rate === undefined || base === undefined ? undefined : rate / base
  }
  const ratio = (name: string, value: number | undefined, least: number) =>
    report.target({ name, value, digits: 2, unit: ' x', least })
  ratio('add / best pgbench, 1,000 wallets', over(ADD, best('1,000 wallets')), 1.3)
  ratio('add / best pgbench, one wallet', over(ADD_ONE, best('one wallet')), 4)
  ratio('add / batches of one', report.ratio(ADD, SINGLE), 2)
  for (const line of [ADD, ADD_ONE]) {
    report.target({
      name: `p99 of ${line}, ${options.connections} connections`,
      value: report.median(line, (round) => round.p99Ms),
      digits: 1,
      unit: ' ms',
      most: 60,
    })
  }
  const window = windowSeconds(options)
  ratio(`last ${window} s / first ${window} s`, o.lastToFirst, 0.9)
  report.target({
    name: 'most memory of the Node process',
    value: o.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 250,
  })
  const toBare = report.ratio(ADD, BARE)
  if (toBare !== undefined) report.note(`add / bare route: ${toBare.toFixed(2)} x.`)
}
