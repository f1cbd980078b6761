/**
 * What Purser asks of whoever delivers orders. A driver keeps nothing that a restart would lose,
 * answers or throws within some twenty seconds, and is asked for at most 200 orders at a time.
 *
 * An answer that is missing, and every answer of a call that throws, is unknown: the effect may
 * have happened. Purser asks again, so each call must be safe to repeat.
 */
export interface DeliveryDriver {
  /** Hands orders over, once for each order id however often it is called. Answers by order id. */
  submit(orders: readonly DeliveryRequest[]): Promise<ReadonlyMap<bigint, SubmitAnswer>>
  /** Where deliveries stand. Answers by ref. */
  status(refs: readonly string[]): Promise<ReadonlyMap<string, DeliveryStatus>>
  /** Stops deliveries for good. One that was stopped before is canceled again. Answers by ref. */
  cancel(refs: readonly string[]): Promise<ReadonlyMap<string, CancelAnswer>>
}

/** The drivers of this process, by the provider's name that services and orders carry. */
export type DeliveryDrivers = ReadonlyMap<string, DeliveryDriver>

export interface DeliveryRequest {
  readonly orderId: bigint
  readonly serviceId: bigint
  readonly quantity: bigint
  readonly link: string
  /** What the type asks for beside link and quantity, as stored with the order. */
  readonly params: unknown
}

export type SubmitAnswer =
  | { readonly kind: 'accepted'; readonly ref: string; readonly startCount: bigint | null }
  /** For good: the provider has not got it and will not take it. */
  | { readonly kind: 'refused'; readonly reason: string }
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
  | { readonly kind: 'canceled'; readonly delivered: bigint }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' }
