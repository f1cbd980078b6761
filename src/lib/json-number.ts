import { formatScaled } from './money.ts'

declare global {
  interface JSON {
    /** A value that `JSON.stringify` writes as this very text (ECMAScript 2026). */
    rawJSON(text: string): JsonNumber
  }
}

/** A number that JSON is written with, digit for digit: it has never been a float. */
export interface JsonNumber {
  readonly rawJSON: string
}

/** An integer of any size as a JSON number. */
export function jsonInteger(value: bigint): JsonNumber {
  return JSON.rawJSON(value.toString())
}

/** `value` / 10^decimals as a JSON number in its shortest form: 75, 1.2, 0.043605. */
export function jsonDecimal(value: bigint, decimals: number): JsonNumber {
  return JSON.rawJSON(formatScaled(value, { decimals, decimalsMin: 0 }))
}
