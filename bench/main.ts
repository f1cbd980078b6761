import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Bench, type Options, openBench } from './bench.ts'
import { stopChildren } from './child.ts'
import { benchDispatch } from './dispatch.ts'
import { benchFollow } from './follow.ts'
import { benchGrowth } from './growth.ts'
import { benchMultiStatus } from './multi-status.ts'
import { benchOrders } from './orders.ts'
import { endPrograms } from './program.ts'
import { benchReads } from './reads.ts'
import { benchRenewApi } from './renew-api.ts'
import { benchRenewals } from './renewals.ts'
import { benchServices } from './services.ts'
import { benchSoak } from './soak.ts'
import { benchWebhooks } from './webhooks.ts'

const USAGE = `npm run bench -- NAME [options]

  orders        how fast orders are placed: against pgbench, batches of one and a bare route
  reads         status, balance and services against a bare route
  services      a catalogue of 10,000 services against a static answer of 1 MB
  multi-status  the states of 100 orders at once
  growth        placing orders at 0 and at 5 million orders
  dispatch      how fast orders are handed over to an upstream on this machine
  follow        100,000 orders in progress: how often each is looked at
  webhooks      how fast accounts are told, with 1 % of the endpoints dead
  soak          all of it at once, for so many minutes, and what memory does
  renewals      how fast the scheduler renews 100,000 servers, and how orders fare meanwhile
  renew-api     how fast renewals are paid over HTTP: against pgbench

  --rounds N              rounds of each line (3)
  --seconds N             seconds of each round (8)
  --connections N         connections of the load (128)
  --sustained-seconds N   orders: one long round at the end; 0 leaves it out (60)
  --orders N              growth: how many orders are filled in (5000000)
  --count N               dispatch, follow, webhooks: how many (20000, 100000, 20000)
  --watched-seconds N     follow: how long the looks are watched (130)
  --minutes N             soak: how long it goes on (10)
  --subscriptions N       renewals: how many are due at once (100000)
  --dir DIR               where databases go, a real disk (the system's temporary folder)
  --profile DIR           write processor profiles of Purser there (it runs a little slower)`

const BENCHES: Readonly<Record<string, { title: string; body: (bench: Bench) => Promise<void> }>> =
  {
    orders: { title: 'Orders', body: benchOrders },
    reads: { title: 'Reads', body: benchReads },
    services: { title: 'Services', body: benchServices },
    'multi-status': { title: 'Many statuses at once', body: benchMultiStatus },
    growth: { title: 'Growth', body: benchGrowth },
    dispatch: { title: 'Handing over', body: benchDispatch },
    follow: { title: 'Following', body: benchFollow },
    webhooks: { title: 'Webhooks', body: benchWebhooks },
    soak: { title: 'Everything at once', body: benchSoak },
    renewals: { title: 'Renewals', body: benchRenewals },
    'renew-api': { title: 'Renewals over HTTP', body: benchRenewApi },
  }

const life = new AsyncDisposableStack()
let ending: Promise<void> | undefined
const end = () => {
  ending ??= life.disposeAsync()
  return ending
}

let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true
    process.stderr.write('\nstopping what was started\n')
    endPrograms()
    const exit = () => process.exit(1)
    stopChildren().then(end).then(exit, exit)
  })
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '128' },
    'sustained-seconds': { type: 'string', default: '60' },
    orders: { type: 'string', default: '5000000' },
    count: { type: 'string' },
    'watched-seconds': { type: 'string' },
    minutes: { type: 'string', default: '10' },
    subscriptions: { type: 'string', default: '100000' },
    dir: { type: 'string', default: tmpdir() },
    profile: { type: 'string' },
  },
})
const chosen = BENCHES[positionals[0] ?? '']
if (chosen === undefined || positionals.length > 1) {
  process.stdout.write(`${USAGE}\n`)
  process.exitCode = 1
} else {
  await run(chosen)
}

async function run({ title, body }: NonNullable<typeof chosen>): Promise<void> {
  try {
    const bench = await openBench(title, readOptions(), life)
    await body(bench)
    bench.report.print()
    if (bench.report.failed) process.exitCode = 1
  } catch (error) {
    // Whatever fails once its children are being stopped has failed because of that.
    if (!interrupted) throw error
  } finally {
    await end()
  }
}

function readOptions(): Options {
  const profileDir = values.profile === undefined ? undefined : resolve(values.profile)
  if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true })
  return {
    rounds: wholeNumber('rounds', { least: 1, most: 100 }),
    seconds: wholeNumber('seconds', { least: 1, most: 600 }),
    connections: wholeNumber('connections', { least: 1, most: 10_000 }),
    sustainedSeconds: wholeNumber('sustained-seconds', { least: 0, most: 3_600 }),
    orders: wholeNumber('orders', { least: 100_000, most: 100_000_000 }),
    subscriptions: wholeNumber('subscriptions', { least: 100, most: 10_000_000 }),
    count: ifGiven('count', { least: 100, most: 10_000_000 }),
    watchedSeconds: ifGiven('watched-seconds', { least: 5, most: 3_600 }),
    minutes: wholeNumber('minutes', { least: 1, most: 24 * 60 }),
    dir: resolve(values.dir),
    profileDir,
  }
}

type NumberOption = Exclude<keyof typeof values, 'dir' | 'profile'>

function ifGiven(name: NumberOption, o: { least: number; most: number }): number | undefined {
  return values[name] === undefined ? undefined : wholeNumber(name, o)
}

function wholeNumber(name: NumberOption, o: { least: number; most: number }): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= o.least && value <= o.most) return value
  process.stderr.write(`--${name} must be a whole number from ${o.least} to ${o.most}\n`)
  process.exit(1)
}
