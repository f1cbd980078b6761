import { setTimeout as pause } from 'node:timers/promises'
import { startBare } from './bare-process.ts'
import { ask, askForOrders, type Bench, checkBooks, newPurser, WALLETS, wakeOnly } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import type { PurserProcess } from './purser-process.ts'
import { progress } from './report.ts'
import { alternate } from './rounds.ts'
import { openShop, type Shop } from './shop.ts'

const BARE = 'bare route'
const EMPTY = 'add, a database that began empty'
const VACUUM_WITHIN_MS = 180_000
const VACUUM_POLL_MS = 1_000

interface Contestant {
  readonly line: string
  readonly purser: PurserProcess
  readonly shop: Shop
}

/** Whether placing an order takes longer once millions have been placed. */
export async function benchGrowth(bench: Bench): Promise<void> {
  const { options, report } = bench
  const count = options.orders.toLocaleString('en-US')
  const full: Contestant = await contestant(bench, 'full', `add, a database of ${count} orders`)
  progress(`filling in ${count} orders`)
  await fillOrders(full.purser, full.shop, { count: options.orders })
  await waitForVacuum(bench, full.purser)
  const empty = await contestant(bench, 'empty', EMPTY)
  const pursers = [empty.purser, full.purser]
  const bare = bench.life.use(await startBare(bench.dir))
  const askBare = async (seconds: number) => {
    await wakeOnly(pursers)
    const bodies = empty.shop.wallets.map(({ key }) => `key=${key}&action=add&quantity=50`)
    const watched = { node: bare.pid }
    return await ask(bench, BARE, {
      url: `${bare.url}/api/v2`,
      bodies,
      keyed: true,
      seconds,
      watched,
    })
  }
  const askPurser = async ({ line, purser, shop }: Contestant, seconds: number) => {
    await wakeOnly(pursers, purser)
    return await askForOrders(bench, line, { purser, shop, wallets: shop.wallets, seconds })
  }
  await alternate(bench, [
    { line: EMPTY, ask: (seconds) => askPurser(empty, seconds) },
    { line: full.line, ask: (seconds) => askPurser(full, seconds) },
    { line: BARE, ask: askBare },
  ])
  await tellSize(bench, full.purser)
  report.target({
    name: 'time of an add, full / empty',
    value: report.ratio(EMPTY, full.line),
    digits: 2,
    unit: ' x',
    most: 1.2,
  })
  report.note('The bare route tells how steady the machine was: least to most of its rounds.')
  for (const { line, purser } of [empty, full]) await checkBooks(bench, line, purser)
  for (const purser of pursers) await purser.stop()
  report.target({
    name: 'most memory of the Node process',
    value: Math.max(...pursers.map((purser) => purser.peakMemoryMb)),
    digits: 0,
    unit: ' MB',
    most: 250,
  })
}

async function contestant(bench: Bench, name: string, line: string): Promise<Contestant> {
  const purser = newPurser(bench, name)
  await purser.run()
  return { line, purser, shop: await openShop(purser.database, { wallets: WALLETS }) }
}

/** Autovacuum comes by itself after so many rows; what it does then is not what is measured. */
async function waitForVacuum(bench: Bench, purser: PurserProcess): Promise<void> {
  progress('waiting for autovacuum to end')
  const deadlineMs = performance.now() + VACUUM_WITHIN_MS
  let quiet = 0
  while (quiet < 3) {
    const { rows } = await purser.database.pool.query<{ running: boolean }>(
      `select exists (select from pg_stat_activity
        where backend_type = 'autovacuum worker') as running`,
    )
    quiet = rows[0]?.running ? 0 : quiet + 1
    if (performance.now() > deadlineMs) {
      bench.report.note('Autovacuum was still at work when the rounds began.')
      return
    }
    await pause(VACUUM_POLL_MS)
  }
}

async function tellSize(bench: Bench, purser: PurserProcess): Promise<void> {
  const { rows } = await purser.database.pool.query<{ size: string; analyzed: boolean }>(
    `select pg_size_pretty(pg_database_size(current_database())) as size,
      (select last_autoanalyze is not null from pg_stat_user_tables
       where relname = 'service_order') as analyzed`,
  )
  const [row] = rows
  bench.report.note(
    `The full database has ${row?.size}; autovacuum has ${row?.analyzed ? '' : 'not '}analysed ` +
      'its orders, nobody else did.',
  )
}
