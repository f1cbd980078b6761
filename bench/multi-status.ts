import { startBare } from './bare-process.ts'
import { ask, type Bench, newPurser, WALLETS } from './bench.ts'
import { fillOrders } from './fill-orders.ts'
import type { PurserProcess } from './purser-process.ts'
import { recordAnswer } from './record-answer.ts'
import { progress } from './report.ts'
import { alternate } from './rounds.ts'
import { openShop, type Shop } from './shop.ts'

const ASKED = 100
const ORDERS_EACH = 2 * ASKED
const LINE = `multiStatus of ${ASKED}, 1,000 customers`
const BARE = 'bare route that answers as much'

/** How fast the states of a hundred orders are answered at once. */
export async function benchMultiStatus(bench: Bench): Promise<void> {
  const { report } = bench
  const purser = newPurser(bench, 'multi-status')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: WALLETS })
  progress('filling in orders to ask for')
  await fillOrders(purser, shop, { count: WALLETS * ORDERS_EACH })
  const bodies = await bodiesOf(purser, shop)
  const url = `${purser.url}/api/v2`
  const { text, file } = await recordAnswer(bench, { url, form: bodies[0] ?? '' })
  const found = Object.values(JSON.parse(text) as Record<string, { status?: string }>)
  const known = found.filter(({ status }) => status === 'Completed').length
  if (known !== ASKED) report.problem(`${known} of ${ASKED} orders are known`)
  report.note(`An answer has ${text.length.toLocaleString('en-US')} bytes.`)
  const bare = bench.life.use(await startBare(bench.dir, file))
  await alternate(bench, [
    {
      line: LINE,
      ask(seconds) {
        purser.wake()
        const watched = { node: purser.pid, postmaster: purser.postmaster }
        return ask(bench, LINE, { url, bodies, keyed: false, seconds, watched })
      },
    },
    {
      line: BARE,
      async ask(seconds) {
        await purser.sleep()
        const watched = { node: bare.pid }
        const recorded = `${bare.url}/recorded`
        return ask(bench, BARE, { url: recorded, bodies, keyed: false, seconds, watched })
      },
    },
  ])
  report.target({
    name: `${LINE}, a second`,
    value: report.perSecond(LINE),
    digits: 0,
    unit: '',
    least: 1000,
  })
  const toBare = report.ratio(LINE, BARE)
  if (toBare !== undefined) report.note(`${LINE} / ${BARE}: ${toBare.toFixed(2)} x.`)
  await purser.stop()
}

/** Of each customer a hundred of the orders, picked here and there. */
async function bodiesOf(purser: PurserProcess, shop: Shop): Promise<string[]> {
  const { rows } = await purser.database.pool.query<{ account_id: bigint; ids: string }>(
    `select account_id, string_agg(id::text, ',') as ids from (
       select account_id, id, row_number() over (partition by account_id order by random()) as at
       from service_order) picked
     where at <= $1 group by account_id`,
    [ASKED],
  )
  const keys = new Map(shop.wallets.map(({ accountId, key }) => [accountId, key]))
  return rows.map((row) => `key=${keys.get(row.account_id)}&action=multiStatus&orders=${row.ids}`)
}
