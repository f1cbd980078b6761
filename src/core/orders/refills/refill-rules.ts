import type { OrderState } from '../order.ts'
import { isOpen, type RefillState } from './refill.ts'

/** What decides whether an order may be refilled. */
export interface Refillable {
  readonly state: OrderState
  readonly endedAt: Date
  readonly canRefill: boolean
  /** For how many days after its end; null: for ever. */
  readonly refillDays: number | null
  readonly refillCooldownHours: number
}

/** The last refill of an order. */
export interface LastRefill {
  readonly state: RefillState
  readonly createdAt: Date
  /** Whether whoever asked was told of it. */
  readonly answered: boolean
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** Why an order may not be refilled now; undefined where it may. */
export function whyNotRefillable(
  order: Refillable,
  last: LastRefill | undefined,
  now: Date,
): string | undefined {
  if (!order.canRefill) return 'This service has no refill.'
  if (order.state !== 'completed' && order.state !== 'partial') {
    return 'Only what has been delivered can be refilled.'
  }
  const { refillDays, refillCooldownHours } = order
  if (refillDays !== null && now.getTime() > order.endedAt.getTime() + refillDays * DAY_MS) {
    return `It could be refilled for ${refillDays} days after its end.`
  }
  if (last === undefined) return undefined
  if (isOpen(last.state)) return 'A refill of this order is under way.'
  // The provider did not want one that nobody heard of: the next try is judged afresh.
  if (last.state === 'rejected' && !last.answered) return undefined
  return now.getTime() < last.createdAt.getTime() + refillCooldownHours * HOUR_MS
    ? `It can be refilled again ${refillCooldownHours} hours after the last refill.`
    : undefined
}
