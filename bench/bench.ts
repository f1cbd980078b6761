import { closeSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type LoadGenerator, type LoadResult, loadGenerator } from './load.ts'
import { PGBENCH_FIRST_ID } from './pgbench.ts'
import { countCpu, type Watched } from './processes.ts'
import { PurserProcess } from './purser-process.ts'
import { Report, type Round } from './report.ts'
import { QUANTITY, type Shop, type Wallet } from './shop.ts'

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly sustainedSeconds: number
  /** How many orders `growth` fills in. */
  readonly orders: number
  /** How many subscriptions `renewals` fills in. */
  readonly subscriptions: number
  /** How many orders or changes `dispatch`, `follow` and `webhooks` work on; else each its own. */
  readonly count: number | undefined
  /** How long `follow` watches the looks; else more than two minutes. */
  readonly watchedSeconds: number | undefined
  /** How long `soak` goes on. */
  readonly minutes: number
  /** Where the temporary folder goes. */
  readonly dir: string
  /** Where Purser's processor profiles go, if any. */
  readonly profileDir: string | undefined
}

/** What every bench works with. All that is started or made is given to `life`. */
export interface Bench {
  readonly options: Options
  readonly dir: string
  readonly life: AsyncDisposableStack
  readonly generator: LoadGenerator
  readonly report: Report
}

export const WALLETS = 1_000
const TMPFS = 0x01021994
const MB = 1024 * 1024

export async function openBench(
  title: string,
  options: Options,
  life: AsyncDisposableStack,
): Promise<Bench> {
  const dir = await mkdtemp(join(options.dir, 'purser-bench-'))
  // Tried again: a run that was interrupted may still be writing there for a moment.
  life.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  const generator = loadGenerator(dir)
  const report = new Report(title)
  const [cpu] = cpus()
  report.fact(
    `${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${Math.round(totalmem() / MB)} MB, ` +
      `Node ${process.versions.node}`,
  )
  report.fact(
    `load from ${generator.name}, ${options.connections} connections, ` +
      `${options.rounds} rounds of ${options.seconds} s`,
  )
  report.fact(`a write to the disk of ${options.dir} takes ${syncMs(dir).toFixed(2)} ms (median)`)
  if (statfsSync(dir).type === TMPFS) {
    report.note(
      `CAUTION: ${options.dir} is in memory, so nothing here was made durable. Use --dir.`,
    )
  }
  return { options, dir, life, generator, report }
}

/** A Purser in a folder of its own, not yet running. */
export function newPurser(bench: Bench, name: string): PurserProcess {
  const { profileDir } = bench.options
  const nodeArgs = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  return bench.life.use(new PurserProcess(join(bench.dir, name), { nodeArgs }))
}

/** How long 4 kB take to reach the disk: what one commit costs at the least. */
function syncMs(dir: string): number {
  const file = openSync(join(dir, 'sync'), 'w')
  const page = Buffer.alloc(4096)
  const took = Array.from({ length: 200 }, () => {
    const startedMs = performance.now()
    writeSync(file, page, 0, page.length, 0)
    fdatasyncSync(file)
    return performance.now() - startedMs
  })
  closeSync(file)
  return took.sort((a, b) => a - b)[100] ?? 0
}

/** What is asked in one measured round. */
export interface Asking {
  readonly url: string
  readonly bodies: readonly string[]
  readonly once?: boolean
  readonly keyed: boolean
  readonly accepts?: string
  readonly seconds: number
  readonly watched: Watched
}

/** Sends load for a while. Anything but 200 answers makes the run a failed one. */
export async function ask(bench: Bench, what: string, o: Asking): Promise<Round & LoadResult> {
  const cpu = countCpu(o.watched)
  const result = await bench.generator.run({ ...o, connections: bench.options.connections })
  const used = cpu()
  if (result.refusals > 0) {
    bench.report.problem(`${what}: ${result.refusals} of ${result.answers} answers were not 200`)
  }
  if (result.breaks > 0) {
    bench.report.problem(`${what}: ${result.breaks} requests were broken off or timed out`)
  }
  return { ...result, count: result.answers, seconds: o.seconds, cpu: used }
}

/**
 * Places keyed orders over HTTP for a while and counts the rows: as many orders as there were
 * answers, and besides at most one a connection that the end of the round left unanswered.
 */
export async function askForOrders(
  bench: Bench,
  what: string,
  o: { purser: PurserProcess; shop: Shop; wallets: readonly Wallet[]; seconds: number },
): Promise<Round> {
  const { purser } = o
  const before = await countOrders(purser)
  const round = await ask(bench, what, {
    url: `${purser.url}/api/v2`,
    bodies: o.wallets.map((wallet) => addBody(o.shop, wallet)),
    keyed: true,
    seconds: o.seconds,
    watched: { node: purser.pid, postmaster: purser.postmaster },
  })
  const placed = (await countOrders(purser)) - before
  const unanswered = placed - round.answers
  if (unanswered < 0 || unanswered > bench.options.connections) {
    bench.report.problem(`${what}: ${round.answers} answers, but ${placed} orders in the database`)
  }
  return round
}

/** An `add` by the customer of this wallet. */
export function addBody(shop: Shop, wallet: Wallet): string {
  const link = encodeURIComponent(`https://shop.example/item/${wallet.accountId}`)
  return `key=${wallet.key}&action=add&service=${shop.serviceId}&link=${link}&quantity=${QUANTITY}`
}

const SETTLE_POLL_MS = 200
const SETTLE_POLLS_MAX = 50

/**
 * Orders whose number Purser gave. What the end of a round has left unanswered may still be under
 * way, so it counts until the number stands.
 */
async function countOrders(purser: PurserProcess): Promise<number> {
  let last = -1
  for (let poll = 1; poll <= SETTLE_POLLS_MAX; poll++) {
    const { rows } = await purser.database.pool.query<{ count: string }>(
      'select count(*)::text from service_order where id < $1',
      [PGBENCH_FIRST_ID],
    )
    const count = Number(rows[0]?.count)
    if (count === last) return count
    last = count
    await pause(SETTLE_POLL_MS)
  }
  throw new Error('orders are placed though nobody asks for any')
}

/** Lets one Purser run and all others sleep. */
export async function wakeOnly(pursers: readonly PurserProcess[], awake?: PurserProcess) {
  for (const purser of pursers) if (purser !== awake) await purser.sleep()
  awake?.wake()
}

/** Checks the books of a Purser that has done its part. */
export async function checkBooks(bench: Bench, what: string, purser: PurserProcess): Promise<void> {
  purser.wake()
  const broken = await purser.verifyBooks()
  if (broken === '') bench.report.note(`${what}: the books balance (every check, from the start).`)
  else bench.report.problem(`${what}: the books do not balance: ${broken}`)
}
