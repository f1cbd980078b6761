/** By how much more a service costs here than at its upstream. Money in micros for 1000. */
export interface Margin {
  readonly marginPpm: number
  readonly marginFixedMicros: bigint
  /** The rate is a multiple of it. */
  readonly roundToMicros: bigint
}

const PPM = 1_000_000n

/**
 * What a service costs here that costs `rateMicros` at its upstream: the rate with its share and
 * the fixed amount on top, rounded up once, to a multiple of `roundToMicros`. Never less than the
 * upstream's own.
 */
export function saleRate(rateMicros: bigint, margin: Margin): bigint {
  const exact = rateMicros * (PPM + BigInt(margin.marginPpm)) + margin.marginFixedMicros * PPM
  const step = margin.roundToMicros * PPM
  return ((exact + step - 1n) / step) * margin.roundToMicros
}
