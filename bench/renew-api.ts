import { ask, type Bench, checkBooks, newPurser, WALLETS } from './bench.ts'
import { fillServers, openFleet, type ServerFleet } from './fill-servers.ts'
import { findPgbench, runPgbench } from './pgbench.ts'
import { countCpu } from './processes.ts'
import type { PurserProcess } from './purser-process.ts'
import { createRenewOne, dropRenewOne, waitForRenewOne } from './renew-one.ts'
import { progress } from './report.ts'
import { openShop, type Shop } from './shop.ts'

const RENEW = 'renew_service, 1,000 wallets'
const CLIENTS = [8, 16, 32]
const pgbenchLine = (clients: number) => `pgbench, 1,000 wallets, ${clients} clients`
const WARM_UP_SECONDS = 3
/** More than anybody renews: each server can be renewed once. */
const RENEWALS_PER_SECOND = 4_000

interface Field {
  readonly bench: Bench
  readonly purser: PurserProcess
  readonly shop: Shop
  readonly fleet: ServerFleet
}

/** How fast renewals that were made out are paid over HTTP, against the same rows by pgbench. */
export async function benchRenewApi(bench: Bench): Promise<void> {
  const { report, options } = bench
  const pgbench = findPgbench()
  if (pgbench === undefined) report.note('pgbench is not installed: its lines are left out.')
  const purser = newPurser(bench, 'renew-api')
  await purser.run()
  const shop = await openShop(purser.database, { wallets: WALLETS })
  const accountIds = shop.wallets.map((wallet) => wallet.accountId)
  const field = { bench, purser, shop, fleet: await openFleet(purser, { accountIds }) }
  await createRenewOne(purser)
  const contestants = [
    () => renewRound(field, RENEW, options.seconds),
    ...CLIENTS.map((clients) => async () => {
      if (pgbench !== undefined) await pgbenchRound(field, pgbench, clients)
    }),
  ]
  await renewRound(field, undefined, WARM_UP_SECONDS)
  for (let round = 0; round < options.rounds; round++) {
    progress(`round ${round + 1} of ${options.rounds}`)
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      await contestant()
    }
  }
  await dropRenewOne(purser)
  await checkBooks(bench, 'after all rounds', purser)
  await purser.stop()
  const rates = CLIENTS.flatMap((clients) => report.perSecond(pgbenchLine(clients)) ?? [])
  const rate = report.perSecond(RENEW)
  report.target({
    name: 'renew_service / best pgbench',
    value: rate === undefined || rates.length === 0 ? undefined : rate / Math.max(...rates),
    digits: 2,
    unit: ' x',
    least: 1,
  })
}

/** Fills in renewals that are made out and unpaid, while Purser sleeps. Returns the servers. */
async function fill({ purser, fleet }: Field, seconds: number): Promise<bigint[]> {
  await purser.sleep()
  return await fillServers(purser, fleet, { count: seconds * RENEWALS_PER_SECOND, madeOut: true })
}

async function renewRound(field: Field, line: string | undefined, seconds: number): Promise<void> {
  const { bench, purser, shop, fleet } = field
  const what = line ?? `${RENEW}, warming up`
  const serverIds = await fill(field, seconds)
  purser.wake()
  const before = await countPaid(purser)
  // Servers go around the accounts as `fillServers` has dealt them.
  const keys = shop.wallets.map((wallet) => wallet.key)
  const bodies = serverIds.map(
    (id, at) => `API_KEY=${keys[at % fleet.accountIds.length]}&QUERY=renew_service&VMID=${id}`,
  )
  const round = await ask(bench, what, {
    url: `${purser.url}/`,
    bodies,
    once: true,
    keyed: false,
    seconds,
    watched: { node: purser.pid, postmaster: purser.postmaster },
  })
  const paid = (await countPaid(purser)) - before
  const unanswered = paid - round.answers
  if (unanswered < 0 || unanswered > bench.options.connections) {
    bench.report.problem(`${what}: ${round.answers} answers, but ${paid} were paid`)
  }
  if (line !== undefined) bench.report.add(line, round)
}

/** On the same server, the Node process asleep meanwhile. */
async function pgbenchRound(field: Field, program: string, clients: number): Promise<void> {
  const { bench, purser } = field
  const { seconds } = bench.options
  await waitForRenewOne(purser, await fill(field, seconds))
  const line = pgbenchLine(clients)
  const before = await countPaid(purser)
  const cpu = countCpu({ postmaster: purser.postmaster })
  const script = 'select bench.renew_one();\n'
  const { dir } = bench
  const result = await runPgbench(purser, { program, dir, clients, seconds, script })
  const used = cpu()
  const paid = (await countPaid(purser)) - before
  if (paid !== result.count) {
    bench.report.problem(`${line}: ${result.count} transactions, but ${paid} were paid`)
  }
  bench.report.add(line, { ...result, seconds, cpu: used })
}

/** Each that was paid has taken the next number. */
async function countPaid(purser: PurserProcess): Promise<number> {
  const { rows } = await purser.database.pool.query<{ last: string }>(
    'select last_number::text as last from invoice_series',
  )
  return Number(rows[0]?.last)
}
