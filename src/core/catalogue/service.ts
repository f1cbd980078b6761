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
  /** Quantities are multiples of it. */
  readonly quantityStep: number
  /** What a Package delivers, and a Custom Comments Package may; null for every other type. */
  readonly packageQuantity: number | null
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
  /** RE2, which must be found in the link of an order; null: any link. */
  readonly linkPattern: string | null
  /** Whether an account may have one order at a time that has not ended for a link. */
  readonly oneActivePerLink: boolean
  /** For how many days after its end an order may be refilled; null: for ever. */
  readonly refillDays: number | null
  readonly refillCooldownHours: number
  /** Whether an order is only taken once its provider has taken it. */
  readonly confirmFirst: boolean
  /** How long its orders have taken lately; null until some have ended. */
  readonly averageSeconds: number | null
  /** Who is asked first. */
  readonly provider: string
  /** Who is asked, in this order; none: `provider` alone. */
  readonly providers: readonly ServiceProvider[]
  readonly prices: readonly ServicePrice[]
  readonly createdAt: string
  readonly updatedAt: string
}

export const SERVICE_STATES = ['active', 'paused'] as const
export type ServiceState = (typeof SERVICE_STATES)[number]

/** One of those who deliver a service. */
export interface ServiceProvider {
  readonly provider: string
  /** What an upstream panel calls the service; null for providers that have no such names. */
  readonly upstreamService: string | null
  /** Whether the service's price follows this upstream's. */
  readonly followsPrice: boolean
  /** By how much more; null: as the upstream says for all its services. */
  readonly marginPpm: number | null
  /** Micros for 1000, as text. */
  readonly marginFixedMicros: string | null
}

/** Micros as text: for 1000, and the least that an order costs before its key's discount. */
export interface ServicePrice {
  readonly currency: string
  readonly rateMicros: string
  readonly minChargeMicros: string
}

export const QUANTITY_MAX = 1_000_000_000_000
export const SERVICE_NAME_LENGTH_MAX = 200
export const DESCRIPTION_LENGTH_MAX = 10_000

/**
 * What can be ordered at once. Refused unless 1 ≤ min ≤ max with a multiple of the step between
 * them, and a Package says its quantity.
 */
export function checkQuantities(service: {
  type: ServiceType
  minQuantity: number
  maxQuantity: number
  quantityStep: number
  packageQuantity: number | null
}): void {
  for (const [pointer, quantity] of [
    ['/min_quantity', service.minQuantity],
    ['/max_quantity', service.maxQuantity],
    ['/quantity_step', service.quantityStep],
    ['/package_quantity', service.packageQuantity ?? 1],
  ] as const) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > QUANTITY_MAX) {
      throw invalidField(pointer, `must be a whole number from 1 to ${QUANTITY_MAX}`)
    }
  }
  if (service.minQuantity > service.maxQuantity) {
    throw invalidField('/max_quantity', 'must not be less than min_quantity')
  }
  // Its quantity is not the customer's to choose.
  if (service.quantityStep > 1 && service.type === 'Package') {
    throw invalidField('/quantity_step', 'a Package has none')
  }
  if (service.maxQuantity - (service.maxQuantity % service.quantityStep) < service.minQuantity) {
    throw invalidField('/quantity_step', 'no multiple of it is between min and max')
  }
  if (service.type === 'Package' && service.packageQuantity === null) {
    throw invalidField(
      '/package_quantity',
      'a Package says how much it delivers',
      'missing_required',
    )
  }
  if (
    service.type !== 'Package' &&
    service.type !== 'Custom Comments Package' &&
    service.packageQuantity !== null
  ) {
    throw invalidField('/package_quantity', 'only a Package or Custom Comments Package has it')
  }
}

const REFILL_DAYS_MAX = 3_650
const REFILL_COOLDOWN_HOURS_MAX = 8_760

/** Refuses windows of refills that are none. */
export function checkRefillTerms(service: {
  refillDays: number | null
  refillCooldownHours: number
}): void {
  const { refillDays, refillCooldownHours } = service
  if (refillDays !== null && !isWithin(refillDays, 1, REFILL_DAYS_MAX)) {
    throw invalidField('/refill_days', `must be a whole number from 1 to ${REFILL_DAYS_MAX}`)
  }
  if (!isWithin(refillCooldownHours, 0, REFILL_COOLDOWN_HOURS_MAX)) {
    throw invalidField(
      '/refill_cooldown_hours',
      `must be a whole number from 0 to ${REFILL_COOLDOWN_HOURS_MAX}`,
    )
  }
}

function isWithin(number: number, least: number, most: number): boolean {
  return Number.isInteger(number) && number >= least && number <= most
}

/** A price for 1000: more than nothing, up to six decimals. Micros; else refused. */
export function checkRate(text: string, pointer = '/rate'): bigint {
  const rateMicros = parseAmount(text)
  if (rateMicros === undefined || rateMicros === 0n) {
    throw invalidField(pointer, 'must be a decimal such as "0.90", above 0, up to 6 decimals')
  }
  return rateMicros
}

/** The least that an order costs: nothing or more, up to six decimals. Micros; else refused. */
export function checkMinCharge(text: string, pointer = '/min_charge'): bigint {
  const minChargeMicros = parseAmount(text)
  if (minChargeMicros === undefined) {
    throw invalidField(pointer, 'must be a decimal such as "0.05", up to 6 decimals')
  }
  return minChargeMicros
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
