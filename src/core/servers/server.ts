import type { Price } from '../../lib/tax.ts'
import type { SoldPlan } from '../catalogue/plan-offers.ts'

/**
 * A VPS. Its state is the billing state, not whether it is switched on. It is renewed by its
 * subscription, and runs at a provider that a compute driver reaches. An account's server is
 * found by its number or by its public id, in every dialect.
 */
export interface Server {
  readonly id: bigint
  /** A UUIDv7; written `vps_` and 26 characters. */
  readonly publicId: string
  readonly accountId: bigint
  readonly plan: PlanOfServer
  readonly provider: string
  readonly providerRef: string
  readonly hostname: string
  readonly location: string
  readonly image: { readonly name: string; readonly family: string; readonly version: string }
  readonly state: ServerState
  readonly suspendedFor: SuspensionReason | null
  readonly lockedAt: Date | null
  readonly createdAt: Date
  /** The main one first, then in the order in which they were given. */
  readonly addresses: readonly ServerAddress[]
  readonly subscription: SubscriptionOfServer
  readonly addons: readonly AddonOfServer[]
}

export const SERVER_STATES = ['active', 'suspended', 'terminated'] as const
export type ServerState = (typeof SERVER_STATES)[number]
export type SuspensionReason = 'unpaid' | 'abuse'

export interface PlanOfServer extends SoldPlan {
  /** For the subscription's own cycle, before and with tax; null: not sold so. */
  readonly price: Price | null
}

export interface ServerAddress {
  readonly id: bigint
  readonly version: 4 | 6
  readonly address: string
  readonly gateway: string
  readonly prefix: number
  readonly main: boolean
  readonly ddosProtected: boolean
  readonly ptr: string | null
}

export interface SubscriptionOfServer {
  readonly id: bigint
  /** Months. */
  readonly billingCycle: number
  readonly expiresAt: Date
  readonly autoPay: boolean
  readonly active: boolean
  readonly timeZone: string
  /** What the next renewal comes to with the server's addons; null: not sold so. */
  readonly renewal: Price | null
  readonly currency: string
}

export interface AddonOfServer {
  readonly subscriptionId: bigint
  /** A UUIDv7; written `vpsaddon_` and 26 characters. */
  readonly publicId: string
  readonly key: string
  readonly family: string
  readonly name: string
  readonly quantity: number
  readonly expiresAt: Date
}
