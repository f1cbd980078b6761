import { createHash } from 'node:crypto'
import type { Post } from '../delivery-driver.ts'
import type { OrderReport, OrderStanding } from '../order.ts'
import type { PartPlan, PostsPlan } from './part-plan.ts'

/**
 * What becomes of an order in parts, the whole, by its plan, its parts and the clock.
 * - Its remains are its quantity less what its parts delivered; a part that failed delivered
 *   nothing, and one that the operator says is done delivered all.
 * - It ends when no more parts will come and each has ended. Its parts move no money: the share of
 *   its charge that they did not deliver is given back then, once.
 * - A whole that somebody wants canceled, or that is paused, gets no further parts; nor does a
 *   drip-feed of which all runs so far have failed.
 */
export interface Whole extends OrderStanding {
  readonly id: bigint
  readonly link: string
  readonly createdAt: Date
  readonly pausedAt: Date | null
  readonly cancelRequestedAt: Date | null
}

/** What the parts of a whole come to. */
export interface PartSum {
  readonly made: number
  /** How many have not ended. */
  readonly open: number
  readonly failed: number
  readonly delivered: bigint
  /** Whether a provider has taken any. */
  readonly taken: boolean
  readonly startCount: bigint | null
  readonly lastMadeAt: Date | null
}

/** Posts that a user's provider reported, oldest first; `first`: all that there are. */
export interface PostsSeen {
  readonly posts: readonly Post[]
  readonly first: boolean
}

export interface PartDraft {
  readonly part: number
  readonly quantity: bigint
  readonly link: string
  readonly params: Readonly<Record<string, unknown>> | null
  readonly postRef: string | null
  readonly lookAt: Date
}

/** A whole as a step of unfolding finds it. */
export interface UnfoldingStep {
  readonly whole: Whole
  readonly plan: PartPlan
  readonly sum: PartSum
  /** The end of a plan that expires. */
  readonly expiresAt: Date | null
  readonly now: Date
  /** Null: nothing was learnt. */
  readonly seen: PostsSeen | null
}

export interface UnfoldingResult {
  readonly parts: readonly PartDraft[]
  readonly report: OrderReport
  readonly lookAt: Date
}

/** A provider that does not answer at the end of a plan is waited for, for so long. */
const LAST_READING_MS = 3_600_000
const LOOK_MIN_MS = 2_000
const LOOK_MAX_MS = 30_000
const IDLE_MS = 600_000

/** The parts that are due now, what that makes of the whole, and when to look at it again. */
export function unfold(step: UnfoldingStep): UnfoldingResult {
  const { whole, plan, now } = step
  const held = whole.pausedAt !== null || whole.cancelRequestedAt !== null
  const parts = held ? [] : plan.kind === 'drip' ? dueRun(step) : partsForPosts(step, plan)
  const sum: PartSum = {
    ...step.sum,
    made: step.sum.made + parts.length,
    open: step.sum.open + parts.length,
    lastMadeAt: parts.length > 0 ? now : step.sum.lastMadeAt,
  }
  const more = moreToCome({ ...step, sum })
  return { parts, report: reportOf(whole, sum, more), lookAt: lookAgainAt({ ...step, sum }, more) }
}

/** Whether parts may come that are not made yet. */
export function moreToCome({ whole, plan, sum, expiresAt, now, seen }: UnfoldingStep): boolean {
  if (whole.cancelRequestedAt !== null) return false
  // What a provider refuses at first it refuses each time: nobody's money waits for that.
  if (plan.kind === 'drip') return sum.made < plan.runs && (sum.made === 0 || !allFailed(sum))
  if (sum.made >= plan.posts) return false
  if (expiresAt === null || now < expiresAt) return true
  const readInTime = seen !== null || whole.pausedAt !== null
  return !readInTime && now.getTime() < expiresAt.getTime() + LAST_READING_MS
}

/** Where a whole stands by its parts, given whether more will come. */
export function reportOf(whole: Whole, sum: PartSum, more: boolean): OrderReport {
  const remains = whole.quantity - sum.delivered
  const { startCount } = sum
  if (more || sum.open > 0) {
    return { state: sum.taken ? 'in_progress' : 'pending', remains, startCount }
  }
  return { state: endStateOf(whole, sum), remains, startCount }
}

function endStateOf(whole: Whole, sum: PartSum): OrderReport['state'] {
  if (sum.delivered === whole.quantity) return 'completed'
  if (whole.cancelRequestedAt !== null) return 'canceled'
  if (sum.made > 0 && allFailed(sum)) return 'failed'
  return sum.delivered === 0n ? 'canceled' : 'partial'
}

function allFailed({ made, failed }: PartSum): boolean {
  return failed === made
}

/**
 * Each run is begun its interval after the one before: what was missed while nobody unfolded, or
 * while the order was paused, does not come all at once.
 */
function dueRun(step: UnfoldingStep): PartDraft[] {
  const { whole, plan, sum, now } = step
  if (plan.kind !== 'drip' || !moreToCome(step)) return []
  if (now < nextRunAt(plan.intervalMs, sum, whole)) return []
  const { runQuantity: quantity, params } = plan
  return [{ part: sum.made + 1, quantity, link: whole.link, params, postRef: null, lookAt: now }]
}

function nextRunAt(intervalMs: number, sum: PartSum, whole: Whole): Date {
  return sum.lastMadeAt === null ? whole.createdAt : new Date(sum.lastMadeAt.getTime() + intervalMs)
}

/** Posts older than the order count only at the first reading, and then the newest of them. */
function partsForPosts(step: UnfoldingStep, plan: PostsPlan): PartDraft[] {
  const { whole, sum, expiresAt, now, seen } = step
  if (seen === null) return []
  const old = seen.first ? seen.posts.filter((post) => post.postedAt < whole.createdAt) : []
  const fresh = seen.posts.filter(
    (post) => post.postedAt >= whole.createdAt && (expiresAt === null || post.postedAt < expiresAt),
  )
  const chosen = [...old.slice(Math.max(0, old.length - plan.oldPosts)), ...fresh]
  return chosen.slice(0, plan.posts - sum.made).map((post, at) => {
    const part = sum.made + at + 1
    return {
      part,
      quantity: quantityOf(plan, whole.id, part),
      link: post.link,
      params: { username: plan.username },
      postRef: post.ref,
      lookAt: new Date(now.getTime() + plan.delayMs),
    }
  })
}

/** A multiple of step from min to max as if at random, the same however often it is asked. */
export function quantityOf(
  { min, max, step }: Pick<PostsPlan, 'min' | 'max' | 'step'>,
  wholeId: bigint,
  part: number,
): bigint {
  const digest = createHash('sha256').update(`${wholeId} ${part}`).digest()
  const least = (min + step - 1n) / step
  return (least + (digest.readBigUInt64BE(0) % (max / step - least + 1n))) * step
}

function lookAgainAt({ whole, plan, sum, expiresAt, now }: UnfoldingStep, more: boolean): Date {
  const waitsMs = [IDLE_MS]
  const running = more && whole.pausedAt === null
  if (sum.open > 0 || (running && plan.kind === 'posts')) {
    const ageMs = now.getTime() - whole.createdAt.getTime()
    waitsMs.push(Math.max(LOOK_MIN_MS, Math.min(ageMs / 8, LOOK_MAX_MS)))
  }
  if (running && plan.kind === 'drip') {
    waitsMs.push(nextRunAt(plan.intervalMs, sum, whole).getTime() - now.getTime())
  }
  if (more && expiresAt !== null && expiresAt > now) {
    waitsMs.push(expiresAt.getTime() - now.getTime())
  }
  return new Date(now.getTime() + Math.max(0, Math.min(...waitsMs)))
}
