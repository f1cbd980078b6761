import { AMOUNT_MAX, parseAmount } from '../../lib/money.ts'
import { invalidField } from '../refusal.ts'
import type { ServiceType } from './service-type.ts'

/**
 * Something delivered by order. It keeps its type for life; a paused one is not sold. It is sold in
 * the currencies that it has a price in, and in no other: nothing is converted.
 */
export interface Service {
  readonly id: string
  readonly categoryId: string
  readonly name: string
  readonly description: string
  readonly type: ServiceType
  readonly state: ServiceState
  readonly position: number
  readonly minQuantity: number
  readonly maxQuantity: number
  /** What a Package delivers; null for every other type. */
  readonly packageQuantity: number | null
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
  readonly provider: string
  readonly prices: readonly ServicePrice[]
  readonly createdAt: string
  readonly updatedAt: string
}

export const SERVICE_STATES = ['active', 'paused'] as const
export type ServiceState = (typeof SERVICE_STATES)[number]

/** Micros for 1000, as text. */
export interface ServicePrice {
  readonly currency: string
  readonly rateMicros: string
}

export const QUANTITY_MAX = 1_000_000_000_000
export const SERVICE_NAME_LENGTH_MAX = 200
export const DESCRIPTION_LENGTH_MAX = 10_000

/** What can be ordered at once. Refused unless 1 ≤ min ≤ max, and a Package says its quantity. */
export function checkQuantities(service: {
  type: ServiceType
  minQuantity: number
  maxQuantity: number
  packageQuantity: number | null
}): void {
  for (const [pointer, quantity] of [
    ['/min_quantity', service.minQuantity],
    ['/max_quantity', service.maxQuantity],
    ['/package_quantity', service.packageQuantity ?? 1],
  ] as const) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > QUANTITY_MAX) {
      throw invalidField(pointer, `must be a whole number from 1 to ${QUANTITY_MAX}`)
    }
  }
  if (service.minQuantity > service.maxQuantity) {
    throw invalidField('/max_quantity', 'must not be less than min_quantity')
  }
  if (service.type === 'Package' && service.packageQuantity === null) {
    throw invalidField(
      '/package_quantity',
      'a Package says how much it delivers',
      'missing_required',
    )
  }
  if (service.type !== 'Package' && service.packageQuantity !== null) {
    throw invalidField('/package_quantity', 'only a Package has it')
  }
}

/** A price for 1000: more than nothing, up to six decimals. Micros; else refused. */
export function checkRate(text: string, pointer = '/rate'): bigint {
  const rateMicros = parseAmount(text)
  if (rateMicros === undefined || rateMicros === 0n) {
    throw invalidField(pointer, 'must be a decimal such as "0.90", above 0, up to 6 decimals')
  }
  return rateMicros
}

/** Refused where the largest order would cost more than an amount may be. */
export function checkLargestCharge(
  service: Pick<Service, 'maxQuantity' | 'packageQuantity'>,
  rateMicros: bigint,
  pointer: string,
): void {
  const quantity = BigInt(Math.max(service.maxQuantity, service.packageQuantity ?? 0))
  if ((rateMicros * quantity) / 1000n >= AMOUNT_MAX) {
    throw invalidField(pointer, 'the largest order would cost more than can be booked')
  }
}
