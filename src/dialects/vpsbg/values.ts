import { type JsonNumber, jsonDecimal, jsonInteger } from '../../lib/json-number.ts'

/** An amount in its shortest form: 75, 99.5, 0.043605. */
export function amount(micros: bigint): JsonNumber {
  return jsonDecimal(micros, 6)
}

/** Millionths as per cent: 200000 is 20. */
export function percent(ppm: number): JsonNumber {
  return jsonDecimal(BigInt(ppm), 4)
}

/** The tax rate as what a net amount is multiplied with: 200000 is 1.2. */
export function taxMultiplier(ppm: number): JsonNumber {
  return jsonDecimal(1_000_000n + BigInt(ppm), 6)
}

export function idNumber(id: bigint): JsonNumber {
  return jsonInteger(id)
}

/** `2025-02-10T16:05:29.000000Z`. */
export function instant(at: Date): string {
  return `${at.toISOString().slice(0, -1)}000Z`
}

export function nullableInstant(at: Date | null): string | null {
  return at === null ? null : instant(at)
}

export function unixSeconds(at: Date): number {
  return Math.floor(at.getTime() / 1000)
}

/** A measured figure with at most two decimals. */
export function measure(value: number): number {
  return Math.round(value * 100) / 100
}
