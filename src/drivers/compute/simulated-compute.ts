import { createHash } from 'node:crypto'
import type {
  ComputeAnswer,
  ComputeDriver,
  ExtendRequest,
  ServerStatus,
  SuspendRequest,
} from '../../core/servers/compute-driver.ts'
import { type SimulatedOperation, takeSimulatedFaults } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'

/**
 * A provider of servers that is only pretended. Its world is the table simulated_server: a server
 * that it is asked for and does not know has been running from that moment on, so that every row
 * of the shop has its counterpart. A suspended server does not run.
 */
export function simulatedCompute(world: SimulatedWorld): ComputeDriver {
  return {
    extend: (requests) =>
      faulty(world, 'extend', { requests, work: extend, findDone: findExtended }),
    setSuspended: (requests) => faulty(world, 'suspend', { requests, work: setSuspended }),
    status: (refs) => status(world, refs),
  }
}

/** Switches a simulated server on or off, as somebody at its console would. */
export async function setSimulatedPower(
  { pool, clock }: SimulatedWorld,
  ref: string,
  power: ServerStatus['power'],
): Promise<void> {
  await pool.query(
    `insert into simulated_server (ref, power, power_since) values ($1, $2, $3)
     on conflict (ref) do update set power = excluded.power, power_since = excluded.power_since
     where simulated_server.power <> excluded.power`,
    [ref, power, clock.now()],
  )
}

const DONE = { kind: 'done' } as const
const UNKNOWN = { kind: 'unknown' } as const
const REFUSED = { kind: 'refused', reason: 'The simulated provider was asked to refuse.' } as const

/**
 * The faults that were asked for, one for each server, and the work for the others. What was done
 * before is not refused, though its answer was lost.
 */
async function faulty<Request extends { readonly ref: string }>(
  world: SimulatedWorld,
  operation: SimulatedOperation,
  o: {
    requests: readonly Request[]
    work: (world: SimulatedWorld, requests: readonly Request[]) => Promise<void>
    findDone?: (world: SimulatedWorld, requests: readonly Request[]) => Promise<string[]>
  },
): Promise<ReadonlyMap<string, ComputeAnswer>> {
  const { requests, work, findDone } = o
  if (requests.length === 0) return new Map()
  const taken = await takeSimulatedFaults(world.pool, operation, requests.length)
  const answers = new Map<string, ComputeAnswer>(requests.map(({ ref }) => [ref, DONE]))
  const faulted = requests.slice(0, taken?.times ?? 0)
  for (const { ref } of faulted) answers.set(ref, taken?.fault === 'refuse' ? REFUSED : UNKNOWN)
  if (taken?.fault === 'refuse' && findDone !== undefined) {
    for (const ref of await findDone(world, faulted)) answers.set(ref, DONE)
  }
  // A timeout is work whose answer is lost.
  await work(world, taken?.fault === 'timeout' ? requests : requests.slice(taken?.times ?? 0))
  return answers
}

/**
 * Lets this statement's commit not wait for the disk. Whoever writes down what the provider has
 * answered does wait, and the log is written in order: what is on disk of the shop is on disk here.
 */
const UNFLUSHED = "(select set_config('synchronous_commit', 'off', true)) as unflushed"

async function extend(
  { pool, clock }: SimulatedWorld,
  requests: readonly ExtendRequest[],
): Promise<void> {
  await pool.query(
    `insert into simulated_server (ref, power_since, paid_until)
     select i.ref, $3, max(i.until)
     from unnest($1::text[], $2::timestamptz[]) as i (ref, until), ${UNFLUSHED}
     group by i.ref order by i.ref
     on conflict (ref) do update
     set paid_until = greatest(simulated_server.paid_until, excluded.paid_until)`,
    [requests.map(({ ref }) => ref), requests.map(({ until }) => until), clock.now()],
  )
}

/** Those that run until the instant asked for, or longer. */
async function findExtended(
  { pool }: SimulatedWorld,
  requests: readonly ExtendRequest[],
): Promise<string[]> {
  const { rows } = await pool.query<{ ref: string }>(
    `select s.ref from unnest($1::text[], $2::timestamptz[]) as i (ref, until)
     join simulated_server s on s.ref = i.ref and s.paid_until >= i.until`,
    [requests.map(({ ref }) => ref), requests.map(({ until }) => until)],
  )
  return rows.map((row) => row.ref)
}

async function setSuspended(
  { pool, clock }: SimulatedWorld,
  requests: readonly SuspendRequest[],
): Promise<void> {
  await pool.query(
    `insert into simulated_server (ref, power_since, is_suspended)
     select i.ref, $3, bool_or(i.suspended)
     from unnest($1::text[], $2::boolean[]) as i (ref, suspended), ${UNFLUSHED}
     group by i.ref order by i.ref
     on conflict (ref) do update
     set is_suspended = excluded.is_suspended, power_since = excluded.power_since
     where simulated_server.is_suspended <> excluded.is_suspended`,
    [requests.map(({ ref }) => ref), requests.map(({ suspended }) => suspended), clock.now()],
  )
}

interface ServerRow {
  readonly ref: string
  readonly power: ServerStatus['power']
  readonly power_since: Date
  readonly is_suspended: boolean
}

async function status(
  { pool, clock }: SimulatedWorld,
  refs: readonly string[],
): Promise<ReadonlyMap<string, ServerStatus>> {
  if (refs.length === 0) return new Map()
  const taken = await takeSimulatedFaults(pool, 'server_status', refs.length)
  const asked = refs.slice(taken?.times ?? 0)
  const now = clock.now()
  await pool.query(
    `insert into simulated_server (ref, power_since)
     select distinct i.ref, $2::timestamptz from unnest($1::text[]) as i (ref)
     where not exists (select from simulated_server s where s.ref = i.ref)
     order by i.ref
     on conflict do nothing`,
    [asked, now],
  )
  const { rows } = await pool.query<ServerRow>(
    `select ref, power, power_since, is_suspended from simulated_server
     where ref = any ($1::text[])`,
    [asked],
  )
  return new Map(rows.map((row) => [row.ref, statusAt(row, now)]))
}

const HOUR_MS = 3_600_000
const FULL_TURN = 2 * Math.PI
/** How long the load takes from one peak to the next. */
const LOAD_PERIOD_MS = 2 * HOUR_MS

/** What is measured of a server follows from its ref and the time alone. */
function statusAt(row: ServerRow, now: Date): ServerStatus {
  const character = createHash('sha256').update(row.ref).digest()
  /** A share of 1 that is the server's own. */
  const share = (at: number): number => (character[at] ?? 0) / 255
  const running = row.power === 'running' && !row.is_suspended
  const sinceMs = row.power_since.getTime()
  const turn = now.getTime() / LOAD_PERIOD_MS + share(0)
  const load = running ? (1 + Math.sin(turn * FULL_TURN)) / 2 : 0
  const monthMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth())
  const trafficUntilMs = running ? now.getTime() : Math.min(sinceMs, now.getTime())
  const trafficHours = Math.max(0, trafficUntilMs - monthMs) / HOUR_MS
  return {
    power: running ? 'running' : 'stopped',
    uptimeSeconds: running ? Math.max(0, Math.floor((now.getTime() - sinceMs) / 1000)) : 0,
    cpuPercent: running ? Math.round((2 + 10 * share(1) + 30 * share(2) * load) * 10) / 10 : 0,
    memoryUsedMb: running ? Math.round(250 + 300 * share(3) + 150 * load) : 0,
    diskUsedGb: Math.round((2 + 6 * share(4)) * 10) / 10,
    trafficInMb: Math.floor(trafficHours * (20 + 80 * share(5))),
    trafficOutMb: Math.floor(trafficHours * (10 + 150 * share(6))),
  }
}
