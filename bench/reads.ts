import { type BareProcess, startBare } from './bare-process.ts'
import { ask, askForOrders, type Bench, newPurser, WALLETS } from './bench.ts'
import type { PurserProcess } from './purser-process.ts'
import { recordAnswer } from './record-answer.ts'
import { progress } from './report.ts'
import { alternate } from './rounds.ts'
import { fillCatalogue, openShop, type Shop } from './shop.ts'

const STATUS = 'status, one of many orders'
const BALANCE = 'balance, 1,000 wallets'
const SERVICES = 'services, 1,000 of them'
const BARE = 'bare route'
const BARE_LONG = 'bare route that answers as much as services'
const SERVICES_LISTED = 1_000
const STATUS_ORDERS_MAX = 20_000
const ORDERING_SECONDS = 5

interface Contestant {
  readonly line: string
  readonly bodies: readonly string[]
  /** A path of the bare route; undefined: Purser. */
  readonly barePath?: string
}

/** How fast Purser answers what clients poll, against a route that does nothing. */
export async function benchReads(bench: Bench): Promise<void> {
  const { report } = bench
  const purser = newPurser(bench, 'reads')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: WALLETS })
  await fillCatalogue(purser.database, { shop, count: SERVICES_LISTED })
  progress('placing orders to ask for')
  const load = { purser, shop, wallets: shop.wallets, seconds: ORDERING_SECONDS }
  await askForOrders(bench, 'placing orders', load)
  const contestants = await contestantsOf(purser, shop)
  const bare = bench.life.use(await startBare(bench.dir, await recordServices(bench, purser, shop)))
  await alternate(
    bench,
    contestants.map((contestant) => ({
      line: contestant.line,
      ask: (seconds: number) => askOne(bench, { purser, bare }, contestant, seconds),
    })),
  )
  for (const line of [STATUS, BALANCE]) {
    const value = report.ratio(line, BARE)
    report.target({ name: `${line} / bare route`, value, digits: 2, unit: ' x', least: 0.6 })
  }
  for (const other of [BARE, BARE_LONG]) {
    const value = report.ratio(SERVICES, other)
    if (value !== undefined) report.note(`${SERVICES} / ${other}: ${value.toFixed(2)} x.`)
  }
  await purser.stop()
  report.target({
    name: 'most memory of the Node process',
    value: purser.peakMemoryMb,
    digits: 0,
    unit: ' MB',
    most: 250,
  })
}

async function contestantsOf(purser: PurserProcess, shop: Shop): Promise<Contestant[]> {
  const { rows } = await purser.database.pool.query<{ id: bigint; account_id: bigint }>(
    'select id, account_id from service_order where account_id = any ($1) limit $2',
    [shop.wallets.map((wallet) => wallet.accountId), STATUS_ORDERS_MAX],
  )
  const keys = new Map(shop.wallets.map((wallet) => [wallet.accountId, wallet.key]))
  const statuses = rows.map(
    ({ id, account_id }) => `key=${keys.get(account_id)}&action=status&order=${id}`,
  )
  const all = (action: string) => shop.wallets.map(({ key }) => `key=${key}&action=${action}`)
  return [
    { line: STATUS, bodies: statuses },
    { line: BALANCE, bodies: all('balance') },
    { line: SERVICES, bodies: all('services') },
    { line: BARE, bodies: statuses, barePath: '/api/v2' },
    { line: BARE_LONG, bodies: all('services'), barePath: '/recorded' },
  ]
}

/** What `services` answers, in a file. */
async function recordServices(bench: Bench, purser: PurserProcess, shop: Shop): Promise<string> {
  const form = `key=${shop.wallets[0]?.key}&action=services`
  const { text, file } = await recordAnswer(bench, { url: `${purser.url}/api/v2`, form })
  const listed = (JSON.parse(text) as unknown[]).length
  bench.report.note(`services lists ${listed} services in ${Math.round(text.length / 1024)} kB.`)
  return file
}

async function askOne(
  bench: Bench,
  { purser, bare }: { purser: PurserProcess; bare: BareProcess },
  { line, bodies, barePath }: Contestant,
  seconds: number,
) {
  if (barePath === undefined) {
    purser.wake()
    const watched = { node: purser.pid, postmaster: purser.postmaster }
    return await ask(bench, line, {
      url: `${purser.url}/api/v2`,
      bodies,
      keyed: false,
      seconds,
      watched,
    })
  }
  await purser.sleep()
  const url = bare.url + barePath
  return await ask(bench, line, { url, bodies, keyed: false, seconds, watched: { node: bare.pid } })
}
