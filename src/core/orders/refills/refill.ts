import type { RefillAnswer, RefillStatus } from '../delivery-driver.ts'

/**
 * What was lost since an order was delivered, delivered again. It costs nothing.
 * - An order has at most one open refill; completed, rejected and error end it for good.
 * - Each delivery of the order is asked for on its own: one for a plain order, one for each part of
 *   an order in parts. Together they say how the refill stands.
 * - It is the customer's once he was told its number. Until then it is kept, as the provider may
 *   have it, and whoever asks again is given this one.
 */
export const REFILL_STATES = ['pending', 'in_progress', 'completed', 'rejected', 'error'] as const
export type RefillState = (typeof REFILL_STATES)[number]

export function isOpen(state: RefillState): boolean {
  return state === 'pending' || state === 'in_progress'
}

/** What a provider does for a refill: for one delivery. */
export interface RefillWork {
  readonly refillId: bigint
  /** The delivery: an order, or a part of one. */
  readonly orderId: bigint
  readonly provider: string
  /** What the provider calls the delivery, and the refill once it has taken it. */
  readonly orderRef: string
  readonly ref: string | null
  readonly state: RefillState
}

/** A work that its provider is about to be asked about. */
export interface AskedWork extends RefillWork {
  /** Whether the provider was asked for it before, and the answer never came. */
  readonly wasAsked: boolean
}

/** What a provider said of a refill, asked for it or asked where it stands. */
export type RefillWord = RefillAnswer | RefillStatus

/** How long one is asked for that no provider has taken, and one followed that does not end. */
const UNTAKEN_MAX_MS = 86_400_000
const UNENDED_MAX_MS = 60 * 86_400_000

/**
 * What `word` makes of a work that is `ageMs` old. Where a provider that is asked twice may have
 * taken the first asking, its refusing the second says nothing: an error, for the operator to see.
 */
export function workAfter(
  { state, ref }: RefillWork,
  word: RefillWord,
  o: { wasAsked: boolean; isIdempotent: boolean; ageMs: number },
): Pick<RefillWork, 'state' | 'ref'> {
  if (!isOpen(state)) return { state, ref }
  switch (word.kind) {
    case 'accepted':
      return { state, ref: word.ref }
    case 'refused':
      return { state: o.wasAsked && !o.isIdempotent ? 'error' : 'rejected', ref }
    case 'known':
      return { state: word.state === 'pending' ? state : word.state, ref }
    case 'later':
    case 'unknown': {
      const givenUp = o.ageMs > (ref === null ? UNTAKEN_MAX_MS : UNENDED_MAX_MS)
      return { state: givenUp ? 'error' : state, ref }
    }
  }
}

/** How a refill stands whose works stand like this. */
export function wholeState(works: readonly RefillState[]): RefillState {
  if (works.some(isOpen)) {
    return works.every((state) => state === 'pending' || state === 'rejected')
      ? 'pending'
      : 'in_progress'
  }
  if (works.includes('error')) return 'error'
  return works.includes('completed') ? 'completed' : 'rejected'
}

/** When a work that is `ageMs` old is looked at next: a quarter later, within bounds. */
export function lookAfterMs(ageMs: number): number {
  return Math.max(LOOK_MIN_MS, Math.min(ageMs / 4, LOOK_MAX_MS))
}

const LOOK_MIN_MS = 2_000
const LOOK_MAX_MS = 600_000
