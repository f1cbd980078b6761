import type { Invoice } from '../../core/billing/purchase.ts'
import { type JsonNumber, jsonDecimal } from '../../lib/json-number.ts'

/** An amount in its shortest form: 99, 99.5, 0.043605. */
export function amount(micros: bigint): JsonNumber {
  return jsonDecimal(micros, 6)
}

/** Millionths as per cent: 200000 is 20. */
export function percent(ppm: number): JsonNumber {
  return jsonDecimal(BigInt(ppm), 4)
}

/** ISO 8601 with milliseconds, UTC. */
export function instant(at: Date): string {
  return at.toISOString()
}

export function nullableInstant(at: Date | null): string | null {
  return at === null ? null : instant(at)
}

/** Where a customer sees an invoice and pays it. */
export function invoicePage(invoice: Invoice): string {
  return `/billing?invoice=${invoice.number}`
}

const MB_PER_GB = 1024

/** Megabytes as gigabytes with at most two decimals. */
export function gigabytes(megabytes: number): number {
  return measure(megabytes / MB_PER_GB)
}

/** A measured figure with at most two decimals. */
export function measure(value: number): number {
  return Math.round(value * 100) / 100
}

/** How much of `whole` is used, in per cent; null where there is no whole. */
export function percentUsed(used: number, whole: number): number | null {
  return whole === 0 ? null : measure((used / whole) * 100)
}

/** What each length of a period is called, by its months; others have no name here. */
const CYCLES: ReadonlyMap<number, BillingCycle> = new Map([
  [1, 'monthly'],
  [3, 'quarterly'],
  [6, 'semiannually'],
  [12, 'annually'],
  [24, 'biennially'],
  [36, 'triennially'],
])

export const BILLING_CYCLES = [
  'monthly',
  'quarterly',
  'semiannually',
  'annually',
  'biennially',
  'triennially',
  'free',
] as const
export type BillingCycle = (typeof BILLING_CYCLES)[number]

/** The name of a cycle for which `grossMicros` is paid; null where it has none. */
export function cycleName(months: number, grossMicros: bigint | null): BillingCycle | null {
  return grossMicros === 0n ? 'free' : (CYCLES.get(months) ?? null)
}
