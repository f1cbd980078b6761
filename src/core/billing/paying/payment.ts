import type { Funnel } from '../../execute.ts'
import type { ComputeDrivers } from '../../servers/compute-driver.ts'
import type { BillingTerms } from '../billing-terms.ts'
import type { CardGateways } from './card-gateway.ts'

/** What paying needs of the process. */
export interface PaymentDeps {
  readonly funnel: Funnel
  readonly compute: ComputeDrivers
  readonly cards: CardGateways
  readonly terms: BillingTerms
  readonly log: PaymentLog
}

/** Where it is said what goes wrong outside, and is asked for again: ids and reasons alone. */
export interface PaymentLog {
  warn(facts: object, message: string): void
}

/** Purchases of one account that are paid all or none. */
export interface PaySelection {
  /** Of the caller's account; an operator's may be anybody's. Each once. */
  readonly purchaseIds: readonly bigint[]
  /**
   * Whether a saved card is charged with what the wallet is short of. Null: where the payment
   * method of one of the purchases is `card`.
   */
  readonly mayUseCard: boolean | null
}

/** What became of each of them, in the order asked. */
export interface PayResult {
  readonly purchaseId: bigint
  readonly outcome: PayOutcome
}

/** What became of one purchase that was to be paid. Each is a settled state of the ledger. */
export type PayOutcome =
  /** Paid now, by this request (or by the first under its key). */
  | { readonly kind: 'paid' }
  /** Somebody else has paid it. Nothing was taken. */
  | { readonly kind: 'already_paid' }
  /** It was voided. Nothing was taken. */
  | { readonly kind: 'cancelled' }
  /** Wallet and card are too low. Nothing was taken. */
  | { readonly kind: 'insufficient_funds' }
  /** The card was charged, and then the purchase could not be paid: the money is in the wallet. */
  | { readonly kind: 'credit_kept' }
  /** The provider refused for good: reversed, and open again. */
  | { readonly kind: 'reversed' }
  /** What is bought may not be renewed: a server suspended for abuse, or terminated. */
  | { readonly kind: 'not_renewable' }
  /** It could have been paid, and another of the set could not. Nothing was taken. */
  | { readonly kind: 'left_out' }
  /** The provider or the gateway has not answered within ten seconds; it goes on by itself. */
  | { readonly kind: 'settling' }
