import { Type } from 'typebox'
import { invalidField, Refusal } from '../../core/refusal.ts'
import { isText } from '../../core/text-field.ts'

/** Months. Null or absent: the server's own. */
export const BillingCycle = Type.Unsafe<number | null>({
  type: ['integer', 'null'],
  minimum: 1,
  maximum: 24,
  description: 'Months; without it the own cycle of each server',
})

/** Months, where they are what is asked for. */
export const NewBillingCycle = Type.Integer({ minimum: 1, maximum: 24, description: 'Months' })

/** Null, empty or absent: none. */
export const PromoCode = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  maxLength: 100,
  description: 'Takes per cent off plans, never off addons',
})

export function promoCodeOf(code: string | null | undefined): string | null {
  if (code === null || code === undefined) return null
  if (!isText(code)) throw invalidField('/promo_code', 'contains a character that is not text')
  return code.trim() || null
}

/** What `body` does; that nothing is sold for the cycle asked for is that field's fault. */
export async function refusingCycle<T>(
  billingCycle: number | null,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (billingCycle !== null && error instanceof Refusal && error.code === 'not_sold') {
      throw invalidField('/billing_cycle', 'must be a cycle that all of it is sold for')
    }
    throw error
  }
}
