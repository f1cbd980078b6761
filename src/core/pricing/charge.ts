import { scaleUp } from '../../lib/money.ts'

const PPM = 1_000_000n

/** What one buyer pays for one service. */
export interface PriceTerms {
  /** Micros for 1000: the service's, or the account's own. */
  readonly rate: bigint
  /** Off that rate, in millionths: 0 where the rate is the account's own. */
  readonly groupDiscountPpm: number
  /** Off that price again, in millionths: the key's. */
  readonly discountPpm: number
  /** The least that an order costs before the key's discount. */
  readonly minChargeMicros: bigint
}

/** An exact decimal: `value` / 10^`decimals` of the currency's unit. */
export interface Scaled {
  readonly value: bigint
  readonly decimals: number
}

/**
 * What an order costs before and after its key's discount: rate × quantity / 1000, no less than
 * the least charge, and the discount off that. Each is computed exactly and rounded up to the
 * millionth once.
 */
export function chargeFor(
  terms: PriceTerms,
  quantity: bigint,
): { listChargeMicros: bigint; chargeMicros: bigint } {
  const { groupDiscountPpm, discountPpm, minChargeMicros } = terms
  const [price, unit] =
    groupDiscountPpm === 0
      ? [terms.rate * quantity, 1000n]
      : [terms.rate * quantity * (PPM - BigInt(groupDiscountPpm)), 1000n * PPM]
  const least = minChargeMicros * unit
  const exact = price < least ? least : price
  const listChargeMicros = scaleUp(exact, 1n, unit)
  if (discountPpm === 0) return { listChargeMicros, chargeMicros: listChargeMicros }
  return {
    listChargeMicros,
    chargeMicros: scaleUp(exact, PPM - BigInt(discountPpm), unit * PPM),
  }
}

/** The rates for 1000 that `chargeFor` charges by, exact: before the key's discount and after. */
export function ratesOf(terms: PriceTerms): { original: Scaled; rate: Scaled } {
  const original =
    terms.groupDiscountPpm === 0
      ? { value: terms.rate, decimals: 6 }
      : lessDiscount({ value: terms.rate, decimals: 6 }, terms.groupDiscountPpm)
  return {
    original,
    rate: terms.discountPpm === 0 ? original : lessDiscount(original, terms.discountPpm),
  }
}

/** The least charge after the key's discount, exact. */
export function minChargeOf(terms: PriceTerms): Scaled {
  return lessDiscount({ value: terms.minChargeMicros, decimals: 6 }, terms.discountPpm)
}

function lessDiscount(scaled: Scaled, discountPpm: number): Scaled {
  return { value: scaled.value * (PPM - BigInt(discountPpm)), decimals: scaled.decimals + 6 }
}
