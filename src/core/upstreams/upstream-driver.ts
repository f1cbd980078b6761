import type { DeliveryDriver } from '../orders/delivery-driver.ts'

/**
 * Another panel as Purser reaches it. Beside what every driver of deliveries does, it says what is
 * left of the money there, and what it sells. `balance` and `services` throw an UpstreamFailure.
 */
export interface UpstreamDriver extends DeliveryDriver {
  balance(): Promise<UpstreamBalance>
  services(): Promise<readonly UpstreamOffer[]>
  /** Ends its connections; what is under way is lost. */
  close(): Promise<void>
}

/** Where an upstream is and how to speak to it. */
export interface UpstreamSettings {
  readonly name: string
  readonly url: string
  readonly apiKey: string
  /** Begins its idempotency keys: the installation's name. */
  readonly installation: string
  readonly isIdempotent: boolean
  readonly inFlightMax: number
  /** Then no order is handed over, while those that were are followed. */
  readonly isPaused: boolean
}

export interface UpstreamBalance {
  readonly balanceMicros: bigint
  /** Null where it does not say. */
  readonly currency: string | null
}

/** A service as an upstream lists it. */
export interface UpstreamOffer {
  readonly service: string
  readonly name: string
  /** As Purser names the type; as the upstream does where Purser has none like it. */
  readonly type: string
  readonly category: string
  readonly description: string
  /** For 1000, in the upstream's currency. */
  readonly rateMicros: bigint
  readonly minQuantity: bigint
  readonly maxQuantity: bigint
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
}
