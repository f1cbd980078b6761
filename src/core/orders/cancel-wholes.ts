import type { OperationContext } from '../operation.ts'
import { changeBy } from './order.ts'
import { type OrderWrite, type StoredOrder, writeOrders } from './order-store.ts'
import { expiryOf, readPartPlan } from './parts/part-plan.ts'
import { type PartStanding, readPartStandings } from './parts/part-rows.ts'
import { moreToCome, reportOf } from './parts/unfolding.ts'

/** What became of canceling an order in parts; null: it was canceled, or is about to be. */
export interface CanceledWhole {
  readonly refused: null | 'order_not_cancelable' | 'provider_error'
}

/**
 * Cancels locked orders in parts, after `writes` have said what became of their parts. One whose
 * parts have all ended ends. One with parts that run on gets no others, and ends with them: that
 * is a cancel too, where it kept something from being delivered.
 */
export async function cancelWholes(
  context: OperationContext,
  o: {
    readonly wholes: readonly StoredOrder[]
    readonly writes: readonly OrderWrite[]
    readonly lease?: string | undefined
  },
): Promise<ReadonlyMap<bigint, CanceledWhole>> {
  const canceled = new Map<bigint, CanceledWhole>()
  if (o.wholes.length === 0) return canceled
  const standings = await readPartStandings(
    context.tx,
    o.wholes.map((whole) => whole.id),
  )
  const writesByWhole = Map.groupBy(o.writes, (write) => write.order.parentId)
  const wholeWrites: OrderWrite[] = []
  for (const whole of o.wholes) {
    const standing = standings.get(whole.id)
    if (standing === undefined) throw new Error(`order ${whole.id} has no account`)
    const { write, refused } = cancelWhole(context, {
      whole,
      standing,
      writes: writesByWhole.get(whole.id) ?? [],
    })
    wholeWrites.push({ ...write, release: o.lease })
    canceled.set(whole.id, { refused })
    const stopping = refused === null && write.cancelRequestedAt !== null
    if (stopping) {
      const { id: subjectId, accountId } = whole
      context.record({ kind: 'order.stopping', subjectId, accountId })
    }
  }
  await writeOrders(context, wholeWrites)
  return canceled
}

function cancelWhole(
  { now }: OperationContext,
  o: {
    readonly whole: StoredOrder
    readonly standing: PartStanding
    readonly writes: readonly OrderWrite[]
  },
): CanceledWhole & { readonly write: OrderWrite } {
  const { whole, writes } = o
  const { sum } = o.standing
  const stopped = { ...whole, cancelRequestedAt: now }
  const change = changeBy(whole, reportOf(stopped, sum, false))
  if (sum.open === 0) {
    const refused = change?.state === 'canceled' ? null : 'order_not_cancelable'
    return { refused, write: { order: whole, change, cancelRequestedAt: null } }
  }
  const answered = writes.filter((write) => isAnswered(write))
  const running = answered.filter((write) => write.change?.state !== 'canceled')
  if (running.length < sum.open) {
    return { refused: 'provider_error', write: goingOn(whole, { change, since: now, now }) }
  }
  const prevented = answered.length > running.length || mightGoOn(o, now)
  const since = prevented ? now : null
  const refused = prevented ? null : 'order_not_cancelable'
  return { refused, write: goingOn(whole, { change, since, now }) }
}

/** Whether the provider said what becomes of a part. */
function isAnswered(write: OrderWrite): boolean {
  return write.cancelRequestedAt === null
}

/** Whether more parts would have come, had nobody canceled the whole. */
function mightGoOn(
  { whole, standing }: { whole: StoredOrder; standing: PartStanding },
  now: Date,
): boolean {
  const plan = readPartPlan(whole)
  return moreToCome({
    whole: { ...whole, cancelRequestedAt: null },
    plan,
    sum: standing.sum,
    expiresAt: expiryOf(plan, standing.timeZone),
    now,
    seen: null,
  })
}

function goingOn(
  order: StoredOrder,
  o: { change: OrderWrite['change']; since: Date | null; now: Date },
): OrderWrite {
  return { order, change: o.change, cancelRequestedAt: o.since, lookAt: o.now }
}
