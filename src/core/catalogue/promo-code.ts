import { invalidField } from '../refusal.ts'
import { checkCycle } from './cycle-price.ts'

/**
 * Percent off the plan's share of a purchase; addons are licences of others, and never discounted.
 * Found however it is capitalised. A purchase keeps what it took off when it was put to it.
 */
export interface PromoCode {
  readonly id: string
  readonly code: string
  /** Millionths: 10 % is 100000. */
  readonly percentPpm: number
  readonly minimumBillingCycle: number
  /** The only plan it is for; null: every plan. */
  readonly planId: string | null
  /** Whether it is shown to those who ask which codes a plan has. */
  readonly isPublic: boolean
  readonly state: PromoCodeState
  readonly validUntil: string | null
  readonly createdAt: string
}

export const PROMO_CODE_STATES = ['active', 'disabled'] as const
export type PromoCodeState = (typeof PROMO_CODE_STATES)[number]

export interface PromoCodeTerms {
  readonly percentPpm: number
  readonly minimumBillingCycle: number
  readonly planId: string | null
  readonly isPublic: boolean
  readonly validUntil: string | null
}

const CODE_SHAPE = /^[A-Za-z0-9][A-Za-z0-9_-]{1,39}$/

/** A code that customers can type; else refused. */
export function checkPromoCode(code: string): string {
  if (!CODE_SHAPE.test(code)) {
    throw invalidField('/code', 'must be 2 to 40 letters, digits, hyphens and underscores')
  }
  return code
}

const PPM_MAX = 1_000_000

/** Refuses `invalid_input`, naming the field that is wrong. */
export function checkPromoTerms({ percentPpm, minimumBillingCycle }: PromoCodeTerms): void {
  if (!Number.isInteger(percentPpm) || percentPpm < 1 || percentPpm > PPM_MAX) {
    throw invalidField('/percent', 'must be above 0 and at most 100, with up to four decimals')
  }
  checkCycle(minimumBillingCycle, '/minimum_billing_cycle')
}
