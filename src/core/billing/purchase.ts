/**
 * Lines that are paid for together, and the invoice for them. What always holds:
 * - The lines' net and gross add up to the purchase's, and those are its invoice's.
 * - awaiting_payment → processing → paid; processing → awaiting_payment where the provider refuses;
 *   awaiting_payment → cancelled. Paid and cancelled are for good.
 * - While it is processing, the whole of it is held; paid, the hold is settled: net to revenue,
 *   tax to tax. Its periods are added in the commit that settles it.
 * - A period of a subscription stands in one line that is not cancelled.
 * Amounts of lines are whole minor units, rounded half away from zero; sums need no rounding.
 */
export const PURCHASE_STATES = ['awaiting_payment', 'processing', 'paid', 'cancelled'] as const
export type PurchaseState = (typeof PURCHASE_STATES)[number]
export type PaymentMethod = 'balance' | 'card'

export interface Purchase {
  readonly id: bigint
  readonly accountId: bigint
  readonly kind: 'renew-service'
  readonly state: PurchaseState
  readonly currency: string
  /** Millionths: 20 % is 200000. */
  readonly taxRatePpm: number
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly paymentMethod: PaymentMethod
  readonly autoPay: boolean
  readonly promo: PromoOfPurchase | null
  /** Whether a code could still be put to it. */
  readonly promoApplicable: boolean
  readonly createdAt: Date
  readonly dueAt: Date
  readonly paidAt: Date | null
  readonly lines: readonly PurchaseLine[]
  /** Null where it costs nothing. */
  readonly invoice: Invoice | null
}

export interface PurchaseLine {
  readonly id: bigint
  readonly kind: 'server' | 'server-addon'
  readonly subscriptionId: bigint
  readonly serverId: bigint
  readonly label: string
  readonly sublabel: string | null
  readonly periodFrom: Date
  readonly periodTo: Date
  readonly billingCycle: number
  /** The least that the plan is sold for; null: an addon, which follows its server. */
  readonly minimumBillingCycle: number | null
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly promo: PromoOfPurchase | null
}

/** A code, and what it takes off. */
export interface PromoOfPurchase {
  readonly code: string
  readonly percentPpm: number
  readonly minimumBillingCycle: number
  readonly discountNetMicros: bigint
  readonly discountGrossMicros: bigint
}

/** Proforma until it is paid, then original. */
export interface Invoice {
  readonly id: bigint
  /** A UUIDv7; written `inv_` and 26 characters. */
  readonly publicId: string
  readonly accountId: bigint
  readonly purchaseId: bigint
  readonly state: 'unpaid' | 'paid' | 'cancelled'
  /** Its own number once paid; until then that of its purchase. */
  readonly number: bigint
  readonly original: boolean
  readonly currency: string
  readonly taxRatePpm: number
  readonly netMicros: bigint
  readonly grossMicros: bigint
  /** The local midnight of the day on which it was made out. */
  readonly issuedOn: Date
  readonly dueAt: Date
  readonly createdAt: Date
  readonly paidAt: Date | null
}
