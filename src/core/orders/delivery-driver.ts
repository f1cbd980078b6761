import type { ServiceType } from '../catalogue/service-type.ts'

/**
 * What Purser asks of whoever delivers orders. A driver keeps nothing that a restart would lose,
 * answers or throws within some twenty seconds, and is asked for at most 200 orders at a time.
 *
 * An answer that is missing, and every answer of a call that throws, is unknown: the effect may
 * have happened. Purser asks again, so each call must be safe to repeat; but for `submit` of a
 * driver that is not idempotent, which is never asked twice for an order that may have arrived.
 */
export interface DeliveryDriver {
  /** Whether an order may be handed over again when the answer was lost. */
  readonly isIdempotent: boolean
  /** Whether it may take back what it said of a delivery that ended: then it is looked at again. */
  readonly revises: boolean
  /** Whether it is of no use to look: who delivers says here how orders stand, unasked. */
  readonly isSilent?: true
  /** Hands orders over, once for each order id however often it is called. Answers by order id. */
  submit(orders: readonly DeliveryRequest[]): Promise<ReadonlyMap<bigint, SubmitAnswer>>
  /** Where deliveries stand. Answers by ref. */
  status(refs: readonly string[]): Promise<ReadonlyMap<string, DeliveryStatus>>
  /** Stops deliveries for good. One that was stopped before is canceled again. Answers by ref. */
  cancel(refs: readonly string[]): Promise<ReadonlyMap<string, CancelAnswer>>
  /** Asks for refills, once for each (refill, order). Answers in the order asked. */
  refill(asked: readonly RefillRequest[]): Promise<readonly RefillAnswer[]>
  /** Where refills stand. Answers by the refill's ref. */
  refillStatus(refs: readonly string[]): Promise<ReadonlyMap<string, RefillStatus>>
  /**
   * New posts of users, oldest first. Left out by providers that do not report posts: those are
   * given an order that follows posts as a whole, and unfold it themselves.
   */
  posts?(asked: readonly PostsRequest[]): Promise<readonly PostsAnswer[]>
}

/** The drivers of this process, by the provider's name that services and orders carry. */
export type DeliveryDrivers = Pick<ReadonlyMap<string, DeliveryDriver>, 'get' | 'has' | 'keys'>

export interface DeliveryRequest {
  readonly orderId: bigint
  readonly serviceId: bigint
  readonly type: ServiceType
  /** What the provider calls the service; null where it has no such names. */
  readonly upstreamService: string | null
  readonly quantity: bigint
  readonly link: string
  /** What the type asks for beside link and quantity, as stored with the order. */
  readonly params: unknown
}

export type SubmitAnswer =
  | { readonly kind: 'accepted'; readonly ref: string; readonly startCount: bigint | null }
  /** For good: the provider has not got it and will not take it. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The provider has not got it, and may take it later: it is busy, away, or short of money. */
  | {
      readonly kind: 'later'
      readonly reason: string
      readonly afterMs: number | null
      /** What stands in its way is the order's own: the provider takes others. */
      readonly isOwn?: true
    }
  | { readonly kind: 'unknown' }

export type DeliveryStatus =
  | {
      readonly kind: 'known'
      readonly state: 'pending' | 'in_progress' | 'completed' | 'partial' | 'canceled' | 'failed'
      readonly startCount: bigint | null
      /** What is, or will stay, undelivered; null where the provider does not say. */
      readonly remains: bigint | null
    }
  | { readonly kind: 'unknown' }

export type CancelAnswer =
  /** It runs no more, and `remains` stay undelivered. */
  | { readonly kind: 'canceled'; readonly remains: bigint }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' }

export interface RefillRequest {
  readonly refillId: bigint
  readonly orderId: bigint
  /** What the provider calls the order. */
  readonly orderRef: string
}

export type RefillAnswer =
  | { readonly kind: 'accepted'; readonly ref: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The provider has certainly not heard of it, and may be asked later. */
  | { readonly kind: 'later' }
  | { readonly kind: 'unknown' }

export type RefillStatus =
  | {
      readonly kind: 'known'
      readonly state: 'pending' | 'in_progress' | 'completed' | 'rejected' | 'error'
    }
  | { readonly kind: 'unknown' }

export interface PostsRequest {
  readonly username: string
  /** Where the last answer ended; null: none has been asked for yet. */
  readonly cursor: string | null
}

export type PostsAnswer =
  | { readonly kind: 'known'; readonly posts: readonly Post[]; readonly cursor: string | null }
  | { readonly kind: 'unknown' }

export interface Post {
  /** How the provider tells it from others. */
  readonly ref: string
  readonly link: string
  readonly postedAt: Date
}
