import { endOfLocalDay } from '../../../lib/periods.ts'

/**
 * How an order in parts is delivered, as `params` of its row say; nothing else reads their shape.
 * - A drip-feed: the quantity in `runs` equal parts, begun every `interval` minutes.
 * - An order that follows the posts of a user: a part of `min` to `max`, in multiples of `step`, for
 *   each of `posts` posts, `old_posts` of which may be older than the order, until the end of
 *   `expiry`.
 */
export type PartPlan = DripPlan | PostsPlan

export interface DripPlan {
  readonly kind: 'drip'
  readonly runs: number
  readonly intervalMs: number
  readonly runQuantity: bigint
  /** What the type asks for beside link and quantity: the same for each part. */
  readonly params: Readonly<Record<string, unknown>> | null
}

export interface PostsPlan {
  readonly kind: 'posts'
  readonly username: string
  readonly min: bigint
  readonly max: bigint
  /** As the service had it when the order was placed; a multiple of it is between min and max. */
  readonly step: bigint
  /** From the moment a post is seen to its delivery. */
  readonly delayMs: number
  readonly posts: number
  readonly oldPosts: number
  /** YYYY-MM-DD, in the zone of the account; null: none. */
  readonly expiry: string | null
}

const MINUTE_MS = 60_000

export function readPartPlan(whole: { params: unknown; quantity: bigint }): PartPlan {
  const { params, quantity } = whole
  if (typeof params !== 'object' || params === null) throw new Error('an order in parts has params')
  const { runs, interval, ...rest } = params as Record<string, unknown>
  if (runs !== undefined) {
    const count = wholeNumber(runs, 'runs')
    return {
      kind: 'drip',
      runs: count,
      intervalMs: wholeNumber(interval, 'interval') * MINUTE_MS,
      runQuantity: quantity / BigInt(count),
      params: Object.keys(rest).length === 0 ? null : rest,
    }
  }
  const { username, expiry } = rest
  if (typeof username !== 'string') throw new Error('an order that follows posts names a user')
  return {
    kind: 'posts',
    username,
    min: BigInt(wholeNumber(rest.min, 'min')),
    max: BigInt(wholeNumber(rest.max, 'max')),
    step: BigInt(wholeNumber(rest.step ?? '1', 'step')),
    delayMs: wholeNumber(rest.delay ?? '0', 'delay') * MINUTE_MS,
    posts: wholeNumber(rest.posts, 'posts'),
    oldPosts: wholeNumber(rest.old_posts ?? '0', 'old_posts'),
    expiry: typeof expiry === 'string' ? expiry : null,
  }
}

/** When a plan ends by its calendar; null: never. */
export function expiryOf(plan: PartPlan, timeZone: string): Date | null {
  if (plan.kind !== 'posts' || plan.expiry === null) return null
  return endOfLocalDay(plan.expiry, timeZone) ?? null
}

/** Decimal text, or a number that JSON has kept exact. */
function wholeNumber(value: unknown, name: string): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new Error(`${name} of an order in parts is no whole number`)
  }
  return number
}
