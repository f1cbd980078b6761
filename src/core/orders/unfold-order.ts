import type { Tx } from '../../db/database.ts'
import type { Operation } from '../operation.ts'
import type { Post } from './delivery-driver.ts'
import { changeBy, isTerminal } from './order.ts'
import { lockOrders, lockWalletsOf, type StoredOrder, writeOrders } from './order-store.ts'
import { expiryOf, readPartPlan } from './parts/part-plan.ts'
import {
  insertParts,
  type PartStanding,
  readPartRefs,
  readPartStandings,
  writePostWatch,
} from './parts/part-rows.ts'
import type { PostsReading } from './parts/read-posts.ts'
import { unfold } from './parts/unfolding.ts'

export interface UnfoldOrderInput {
  readonly orderId: bigint
  /** The lease under which it is unfolded; it ends with this. */
  readonly lease: string
  /** Unused order numbers, for parts that are due. */
  readonly numbers: readonly bigint[]
  /** Whether it may end with a refund: then its wallet is locked first. */
  readonly mayRefund: boolean
  /** What was learnt of the posts that it follows; null: nothing. */
  readonly reading: PostsReading | null
}

/** Unfolded, or what it would take: then nothing was written. */
export type UnfoldOrderOutput =
  | { readonly kind: 'unfolded'; readonly parts: number }
  | { readonly kind: 'short'; readonly numbers: number; readonly mayRefund: boolean }

/**
 * Makes the parts of an order that are due, sums up those that there are, and ends the whole
 * where nothing more is to come. All in one transaction, by what its rows say: a repeat after a
 * crash finds the parts made, and makes none twice. Whoever has taken the order over meanwhile
 * goes on with it.
 */
export const unfoldOrder: Operation<UnfoldOrderInput, UnfoldOrderOutput> = {
  name: 'order.unfold',
  permission: 'system',
  async run(context, input) {
    const { tx, now } = context
    const ids = [input.orderId]
    if (input.mayRefund) await lockWalletsOf(tx, { ids })
    const whole = (await lockOrders(tx, { ids })).get(input.orderId)
    if (whole === undefined || !whole.unfolds || !isHeld(whole, input.lease)) return NOTHING
    const standing = (await readPartStandings(tx, ids)).get(whole.id)
    if (standing === undefined) throw new Error(`order ${whole.id} has no account`)
    const plan = readPartPlan(whole)
    // Posts that somebody else has read on from meanwhile are in the rows already.
    const reading = startsAt(standing, input.reading) ? input.reading : null
    const seen = reading && { ...reading, posts: await newPosts(tx, whole.id, reading.posts) }
    const expiresAt = expiryOf(plan, standing.timeZone)
    const { parts, report, lookAt } = unfold({
      whole,
      plan,
      sum: standing.sum,
      expiresAt,
      now,
      seen,
    })
    const change = changeBy(whole, report)
    const mayRefund = change !== undefined && change.refund > 0n
    if (parts.length > input.numbers.length || (mayRefund && !input.mayRefund)) {
      return { kind: 'short', numbers: parts.length, mayRefund }
    }
    await insertParts(tx, { wholeId: whole.id, ids: input.numbers, parts, now })
    for (const [at, { part, quantity }] of parts.entries()) {
      context.record({
        kind: 'order_part.placed',
        subjectId: input.numbers[at]!,
        accountId: whole.accountId,
        data: { order: String(whole.id), part, quantity: String(quantity) },
      })
    }
    // What was posted while the order is paused waits until it goes on.
    if (seen !== null && whole.pausedAt === null) {
      await writePostWatch(tx, { wholeId: whole.id, cursor: seen.to, seen: parts.length, now })
    }
    await writeOrders(context, [{ order: whole, change, lookAt, release: input.lease }])
    return { kind: 'unfolded', parts: parts.length }
  },
}

const NOTHING: UnfoldOrderOutput = { kind: 'unfolded', parts: 0 }

function isHeld(whole: StoredOrder, lease: string): boolean {
  return whole.leaseWorker === lease && !isTerminal(whole.state)
}

/** Providers tell of a post more than once, on two pages or again later. */
async function newPosts(tx: Tx, wholeId: bigint, posts: readonly Post[]): Promise<Post[]> {
  const firsts = new Map<string, Post>()
  for (const post of posts) if (!firsts.has(post.ref)) firsts.set(post.ref, post)
  const known = await readPartRefs(tx, { wholeId, postRefs: [...firsts.keys()] })
  return [...firsts.values()].filter((post) => !known.has(post.ref))
}

function startsAt(standing: PartStanding, reading: PostsReading | null): boolean {
  return reading !== null && standing.cursor === reading.from && standing.watched !== reading.first
}
