/**
 * What Purser asks of whoever charges saved cards. Each charge has our number, and is made once
 * however often it is asked for: an answer that is missing, or a call that throws, is unknown, and
 * Purser asks again under the same number until it knows.
 */
export interface CardGateway {
  charge(request: ChargeRequest): Promise<ChargeAnswer>
}

/** The gateways of this process, by the name that cards carry. */
export type CardGateways = ReadonlyMap<string, CardGateway>

export interface ChargeRequest {
  readonly chargeId: bigint
  /** What the gateway calls the card. */
  readonly cardRef: string
  readonly amountMicros: bigint
  readonly currency: string
}

export type ChargeAnswer =
  | { readonly kind: 'charged' }
  /** For good: nothing was taken under this number, nor will be. */
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'unknown' }
