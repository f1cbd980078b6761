import { scaleUp } from '../../lib/money.ts'

const PPM = 1_000_000n

/**
 * What an order costs before and after its key's discount: rate × quantity / 1000, and the
 * discount off it. Each is computed exactly and rounded up to the millionth once.
 * `rate`: micros for 1000. `discountPpm`: millionths of the whole.
 */
export function chargeFor(o: { rate: bigint; quantity: bigint; discountPpm: number }): {
  listChargeMicros: bigint
  chargeMicros: bigint
} {
  const listChargeMicros = scaleUp(o.rate, o.quantity, 1000n)
  if (o.discountPpm === 0) return { listChargeMicros, chargeMicros: listChargeMicros }
  return {
    listChargeMicros,
    chargeMicros: scaleUp(o.rate * o.quantity, PPM - BigInt(o.discountPpm), 1000n * PPM),
  }
}

/** The rate after the discount, exact: `value` / 10^`decimals` of the currency's unit. */
export function discountedRate(
  rate: bigint,
  discountPpm: number,
): { value: bigint; decimals: number } {
  return { value: rate * (PPM - BigInt(discountPpm)), decimals: 12 }
}
