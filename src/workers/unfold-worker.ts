import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel, isOutage } from '../core/execute.ts'
import type { DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import type { NumberBlocks } from '../core/orders/number-blocks.ts'
import { changeBy } from '../core/orders/order.ts'
import { claimWholes, type DueWhole, releaseWholes } from '../core/orders/parts/claim-wholes.ts'
import { expiryOf, readPartPlan } from '../core/orders/parts/part-plan.ts'
import { type PartStanding, readPartStandings } from '../core/orders/parts/part-rows.ts'
import { type PostsAsked, type PostsReading, readPosts } from '../core/orders/parts/read-posts.ts'
import { moreToCome, unfold } from '../core/orders/parts/unfolding.ts'
import {
  type UnfoldOrderInput,
  type UnfoldOrderOutput,
  unfoldOrder,
} from '../core/orders/unfold-order.ts'
import { Refusal } from '../core/refusal.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface UnfoldWorkerDeps {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
  readonly numbers: NumberBlocks
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** Whether customers are keeping the process busy. */
  busy(): boolean
}

const CHUNK = 100
/** How many of a chunk are unfolded beside each other. */
const AT_ONCE = 4
const TICK_MS = 500
const BUSY_TICK_MS = 2_000
/** Each try finds what it lacked in the one before; the rows may have changed once more. */
const TRIES_MAX = 4
/** Where one order cannot be unfolded, it waits for so long. */
const TROUBLE_MS = 60_000

/**
 * Makes the parts of orders that are delivered in parts, and sums them up. Any number of workers
 * share the orders: each takes a chunk under a lease, reads posts outside any transaction, and
 * unfolds each order in a transaction of its own.
 */
export function startUnfoldWorker(deps: UnfoldWorkerDeps): RunningWorker {
  return startWorkerLoop({
    name: 'unfold',
    log: deps.log,
    async step() {
      const looked = await unfoldOnce(deps)
      if (deps.busy()) return BUSY_TICK_MS
      return looked === CHUNK ? 0 : TICK_MS
    },
  })
}

/** One chunk. Returns how many orders were taken. */
export async function unfoldOnce(deps: Omit<UnfoldWorkerDeps, 'busy'>): Promise<number> {
  const { funnel } = deps
  const lease = randomUUID()
  const now = funnel.clock.now()
  const wholes = await claimWholes(funnel.database, { now, lease, limit: CHUNK })
  if (wholes.length === 0) return 0
  const ids = wholes.map((whole) => whole.id)
  const standings = await readPartStandings(funnel.database.db, ids)
  const readings = await readPostsOf(deps, wholes, standings)
  const looks: { id: bigint; lookAt: Date }[] = []
  for (let at = 0; at < wholes.length; at += AT_ONCE) {
    const some = wholes.slice(at, at + AT_ONCE).map(async (whole) => {
      const reading = readings.get(whole.id) ?? null
      const standing = standings.get(whole.id)
      const lookAt = await unfoldWhole(deps, { whole, standing, reading, lease })
      if (lookAt !== undefined) looks.push({ id: whole.id, lookAt })
    })
    await Promise.all(some)
  }
  await releaseWholes(funnel.database, { lease, claimedAt: now, looks })
  return wholes.length
}

/** When to look at it again, where there was nothing to write. */
async function unfoldWhole(
  deps: Omit<UnfoldWorkerDeps, 'busy'>,
  o: {
    whole: DueWhole
    standing: PartStanding | undefined
    reading: PostsReading | null
    lease: string
  },
): Promise<Date | undefined> {
  const { funnel, log } = deps
  const now = funnel.clock.now()
  try {
    const foreseen = foresee(o, now)
    if (foreseen.kind === 'idle') return foreseen.lookAt
    await write(deps, { orderId: o.whole.id, lease: o.lease, reading: o.reading }, foreseen)
    return undefined
  } catch (error) {
    if (isOutage(error) || error instanceof Refusal) throw error
    log.error({ err: error, order: String(o.whole.id) }, 'an order could not be unfolded')
    return new Date(now.getTime() + TROUBLE_MS)
  }
}

/** What there is to write, by rows that are not locked; `short` as unfolding says it. */
type Foreseen =
  | { readonly kind: 'idle'; readonly lookAt: Date }
  | Extract<UnfoldOrderOutput, { kind: 'short' }>

/** Most looks find nothing new: those orders are let go of together. */
function foresee(
  o: { whole: DueWhole; standing: PartStanding | undefined; reading: PostsReading | null },
  now: Date,
): Foreseen {
  if (o.standing === undefined) return { kind: 'short', numbers: 0, mayRefund: false }
  const plan = readPartPlan(o.whole)
  const { sum, timeZone } = o.standing
  const seen = o.reading
  const { parts, report, lookAt } = unfold({
    whole: o.whole,
    plan,
    sum,
    expiresAt: expiryOf(plan, timeZone),
    now,
    seen,
  })
  const moved = seen !== null && (seen.first || seen.posts.length > 0 || seen.to !== seen.from)
  const change = changeBy(o.whole, report)
  if (parts.length === 0 && !moved && change === undefined) return { kind: 'idle', lookAt }
  const mayRefund = change !== undefined && change.refund > 0n
  return { kind: 'short', numbers: parts.length, mayRefund }
}

async function write(
  { funnel, numbers }: Omit<UnfoldWorkerDeps, 'busy'>,
  o: { orderId: bigint; lease: string; reading: PostsReading | null },
  foreseen: Extract<Foreseen, { kind: 'short' }>,
): Promise<void> {
  const ids: bigint[] = []
  let mayRefund = false
  let needed = foreseen
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    mayRefund ||= needed.mayRefund
    while (ids.length < needed.numbers) {
      const number = numbers.take()
      if (number === undefined) await numbers.fetch()
      else ids.push(number)
    }
    const input: UnfoldOrderInput = { ...o, numbers: ids, mayRefund }
    const call = { actor: SYSTEM, input, idempotencyKey: null }
    const { output } = await execute(funnel, unfoldOrder, call)
    if (output.kind === 'unfolded') return
    needed = output
  }
  throw new Error(`order ${o.orderId} changed faster than it could be unfolded`)
}

/** Asks the providers for the posts that the orders among `wholes` follow. */
async function readPostsOf(
  { drivers, log, funnel }: Omit<UnfoldWorkerDeps, 'busy'>,
  wholes: readonly DueWhole[],
  standings: ReadonlyMap<bigint, PartStanding>,
): Promise<ReadonlyMap<bigint, PostsReading>> {
  const now = funnel.clock.now()
  const asked = wholes.flatMap((whole) => {
    const standing = standings.get(whole.id)
    return standing === undefined ? [] : postsAskedBy(whole, standing, now)
  })
  const readings = new Map<bigint, PostsReading>()
  for (const [provider, some] of Map.groupBy(asked, (one) => one.provider)) {
    const driver = drivers.get(provider)
    if (driver?.posts === undefined) {
      log.warn({ provider, orders: some.length }, 'nobody reports the posts of these orders')
      continue
    }
    try {
      for (const [id, reading] of await readPosts(driver, some)) readings.set(id, reading)
    } catch (err) {
      log.warn({ provider, err }, 'a provider could not be asked for posts')
    }
  }
  return readings
}

function postsAskedBy(
  whole: DueWhole,
  { sum, timeZone, cursor, watched }: PartStanding,
  now: Date,
): (PostsAsked & { provider: string })[] {
  const plan = readPartPlan(whole)
  const expiresAt = expiryOf(plan, timeZone)
  if (plan.kind !== 'posts' || whole.pausedAt !== null) return []
  if (!moreToCome({ whole, plan, sum, expiresAt, now, seen: null })) return []
  const { username } = plan
  return [{ wholeId: whole.id, username, cursor, first: !watched, provider: whole.provider }]
}
