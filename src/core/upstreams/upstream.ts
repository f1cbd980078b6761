import { parseAmount } from '../../lib/money.ts'
import { checkCurrency } from '../identity/account.ts'
import { invalidField } from '../refusal.ts'

/**
 * Another panel that delivers what is sold here. It is known to services and orders by its name,
 * which never changes. Its key is kept sealed and shown to nobody.
 */
export interface Upstream {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly state: UpstreamState
  /** What its balance and rates are in; null until it has said. */
  readonly currency: string | null
  readonly isIdempotent: boolean
  readonly inFlightMax: number
  /** Below it the operators are told; null: never. */
  readonly balanceAlertMicros: string | null
  readonly whenFailing: FailingPolicy
  readonly refundAfterMinutes: number
  readonly marginPpm: number
  readonly marginFixedMicros: string
  readonly roundToMicros: string
  readonly margins: readonly CategoryMargin[]
  readonly balanceMicros: string | null
  readonly balanceAt: string | null
  readonly servicesAt: string | null
  readonly failingSince: string | null
  readonly lastError: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

/** What the services of a category cost more, instead of the upstream's margin. */
export interface CategoryMargin {
  readonly categoryId: string
  readonly marginPpm: number
  readonly marginFixedMicros: string
}

export const UPSTREAM_STATES = ['active', 'paused'] as const
export type UpstreamState = (typeof UPSTREAM_STATES)[number]

/** What becomes of orders that an upstream cannot take: they wait, or are given back. */
export const FAILING_POLICIES = ['wait', 'refund'] as const
export type FailingPolicy = (typeof FAILING_POLICIES)[number]

/** What operators say of an upstream, but for its name and its key. Amounts are decimals. */
export interface UpstreamTerms {
  readonly url: string
  readonly currency: string | null
  readonly isIdempotent: boolean
  readonly inFlightMax: number
  readonly balanceAlert: string | null
  readonly whenFailing: FailingPolicy
  readonly refundAfterMinutes: number
  readonly marginPpm: number
  readonly marginFixed: string
  readonly roundTo: string
}

const NAME_SHAPE = /^[a-z0-9][a-z0-9-]{0,49}$/
const URL_LENGTH_MAX = 500
const KEY_SHAPE = /^[\x21-\x7e]{1,500}$/
export const IN_FLIGHT_MAX = 256
export const REFUND_AFTER_MINUTES_MAX = 43_200
/** 999.9999 per cent. */
export const MARGIN_PPM_MAX = 9_999_999

export function checkUpstreamName(name: string): string {
  if (NAME_SHAPE.test(name)) return name
  throw invalidField('/name', 'must be 1 to 50 small letters, digits and hyphens')
}

/** Without a fragment. Refused where it names a user: what is secret is the key alone. */
export function checkUpstreamUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || text.length > URL_LENGTH_MAX) {
    throw invalidField(
      '/url',
      'must be the address of an API, such as https://panel.example/api/v2',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidField('/url', 'must name no user and no password')
  }
  url.hash = ''
  return url.href
}

export function checkUpstreamKey(key: string): string {
  if (KEY_SHAPE.test(key)) return key
  throw invalidField('/api_key', 'must be 1 to 500 printable ASCII characters without spaces')
}

export function checkUpstreamCurrency(currency: string | null): string | null {
  return currency === null ? null : checkCurrency(currency, '/currency')
}

/** A decimal as micros; else refused as the field's fault. */
export function checkAmountField(text: string, pointer: string): bigint {
  const micros = parseAmount(text)
  if (micros === undefined) throw invalidField(pointer, 'must be a decimal with up to 6 decimals')
  return micros
}

export function checkRoundTo(text: string): bigint {
  const micros = checkAmountField(text, '/round_to')
  if (micros === 0n) throw invalidField('/round_to', 'must be more than 0')
  return micros
}
