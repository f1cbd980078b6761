import { invalidField } from '../refusal.ts'
import { checkLine } from '../text-field.ts'

/** Accounts that pay less than the rates of services, by one discount for every service. */
export interface DiscountGroup {
  readonly id: string
  readonly name: string
  /** Millionths: 10 % is 100000. */
  readonly discountPpm: number
  readonly createdAt: string
  readonly updatedAt: string
}

export interface DiscountGroupTerms {
  readonly name: string
  readonly discountPpm: number
}

const NAME_LENGTH_MAX = 200
const PPM_MAX = 1_000_000

/** Refuses `invalid_input`, naming the field that is wrong. */
export function checkGroupTerms({ name, discountPpm }: DiscountGroupTerms): DiscountGroupTerms {
  if (!Number.isInteger(discountPpm) || discountPpm < 0 || discountPpm > PPM_MAX) {
    throw invalidField('/discount_percent', 'must be 0 to 100 with up to 4 decimals')
  }
  return { name: checkLine(name, { pointer: '/name', lengthMax: NAME_LENGTH_MAX }), discountPpm }
}
