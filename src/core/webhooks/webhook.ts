import { jsonDecimal, jsonInteger } from '../../lib/json-number.ts'
import { addressOf, mayBeReached } from '../../lib/public-address.ts'
import type { OrderState } from '../orders/order.ts'
import { invalidField } from '../refusal.ts'

/**
 * Accounts are told of their orders by a POST to each of their endpoints, at every change of state
 * after an order was placed.
 * - A message is made once for each event and endpoint, from the event alone, and never changes.
 * - Of an order's messages to an endpoint one is sent at a time, in the order of the changes.
 * - Only an answer of 2xx is taken as received; a message may therefore arrive more than once.
 * - An endpoint that fails is asked less and less, on its own account; what waits for it waits in
 *   its own rows.
 */
export const ENDPOINT_STATES = ['active', 'disabled', 'removed'] as const
export type EndpointState = (typeof ENDPOINT_STATES)[number]

export const MESSAGE_STATES = ['pending', 'delivered', 'failed', 'discarded'] as const
export type MessageState = (typeof MESSAGE_STATES)[number]

/** Why an endpoint is off. */
export const DISABLED_BECAUSE = ['asked', 'failing'] as const

/** How long a message is tried again, and an endpoint may fail before it is switched off. */
export const RETRIED_FOR_MS = 3 * 24 * 60 * 60_000
/** How long the secret before the last rotation signs, too. */
export const SECRET_OVERLAP_MS = 24 * 60 * 60_000
export const ENDPOINTS_MAX = 20
const URL_LENGTH_MAX = 2_000

/** The texts of the panel's `status`. Source: the panel's page. */
const STATUS_TEXTS: Readonly<Record<OrderState, string>> = {
  pending: 'Pending',
  in_progress: 'In progress',
  partial: 'Partial',
  completed: 'Completed',
  done: 'Done',
  canceled: 'Canceled',
  failed: 'Failed',
}

/** What an order had become, by the event that says so. */
export interface OrderChange {
  readonly orderId: bigint
  /** Of the event: `order.completed`. */
  readonly kind: string
  readonly remains: bigint
  readonly startCount: bigint | null
  /** What the order costs after what was given back. */
  readonly netChargeMicros: bigint
}

/** What is sent, field by field as the panel's page shows it: numbers, exact. */
export function changeBody(change: OrderChange): string {
  return JSON.stringify({
    order_id: jsonInteger(change.orderId),
    status: STATUS_TEXTS[change.kind.slice('order.'.length) as OrderState],
    remains: jsonInteger(change.remains),
    start_count: jsonInteger(change.startCount ?? 0n),
    charge: jsonDecimal(change.netChargeMicros, 6),
  })
}

/** How receivers know an event again: the same for every endpoint, retry and replay. */
export function eventName({ restoreEpoch, id }: { restoreEpoch: number; id: bigint }): string {
  return `evt_${restoreEpoch}_${id}`
}

/** A message that somebody asked for to try an endpoint: of no order, and sent once. */
export const TEST_ORDER_ID = 0n

export const TEST_BODY = changeBody({
  orderId: TEST_ORDER_ID,
  kind: 'order.completed',
  remains: 0n,
  startCount: 0n,
  netChargeMicros: 0n,
})

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const WAITS_MS = [
  ...[5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS],
  ...[HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS],
]

/**
 * How long after the failed attempt `attempt` (1, 2, …) the next is made: ever longer, up to eight
 * hours, give or take a fifth by `random` (0 to 1), so that what failed together does not come back
 * together.
 */
export function retryWaitMs(attempt: number, random: number): number {
  const waitMs = WAITS_MS[Math.min(attempt, WAITS_MS.length) - 1] ?? 0
  return Math.round(waitMs * (0.8 + 0.4 * random))
}

/** The address of an endpoint as it is kept. Refuses `invalid_input`, naming the field `at`. */
export function checkUrl(text: string, at = '/url'): string {
  const given = text.trim()
  const wrong = (why: string) => invalidField(at, why)
  if (given.length > URL_LENGTH_MAX) throw wrong(`must have at most ${URL_LENGTH_MAX} characters`)
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw wrong('must be an address that begins with https:// or http://')
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong('must hold no name or password: check the signature instead')
  }
  url.hash = ''
  return url.href
}

/**
 * Refuses `invalid_input`, naming the field `at`, for an address of which one can see already that
 * nothing will be sent there: not public, nor in `networks`, which the operator allows. Names are
 * not looked up here: what they stand for may change, and is checked at each connection.
 */
export function checkMayBeSentTo(
  url: string,
  { networks, at = '/url' }: { networks: readonly string[]; at?: string },
): void {
  const address = addressOf(new URL(url).hostname)
  if (address === undefined || mayBeReached(address, networks)) return
  throw invalidField(
    at,
    'must be a public address, or one in a network that the operator allows by WEBHOOK_NETWORKS',
  )
}

/** An endpoint as operators and its account see it. */
export interface Endpoint {
  /** Its public id, a UUID. */
  readonly id: string
  readonly accountId: string
  readonly url: string
  readonly isMain: boolean
  readonly state: EndpointState
  readonly disabledBecause: (typeof DISABLED_BECAUSE)[number] | null
  readonly failingSince: string | null
  readonly rotatedAt: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

/** A message of the delivery log. */
export interface Message {
  readonly id: string
  readonly eventId: string
  /** Null: a test. */
  readonly orderId: string | null
  /** The text that is sent. */
  readonly body: string
  readonly state: MessageState
  readonly attempts: number
  readonly nextAt: string | null
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly isReplay: boolean
  readonly createdAt: string
  readonly endedAt: string | null
}
