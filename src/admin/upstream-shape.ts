import { type Static, Type } from 'typebox'
import { UPSTREAM_DEFAULTS } from '../core/upstreams/create-upstream.ts'
import type { StoredOffer } from '../core/upstreams/offer-views.ts'
import {
  FAILING_POLICIES,
  IN_FLIGHT_MAX,
  REFUND_AFTER_MINUTES_MAX,
  UPSTREAM_STATES,
  type Upstream,
  type UpstreamTerms,
} from '../core/upstreams/upstream.ts'
import {
  Amount,
  Id,
  Instant,
  NullableInstant,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { formatAmount } from '../lib/money.ts'
import { readPercent, showPercent } from './percent.ts'

const Url = Type.String({ examples: ['https://panel.example/api/v2'] })
const ApiKey = Type.String({ description: 'Kept sealed, and never shown' })
export const SentMargin = {
  margin_percent: Type.Union([Type.Number(), Type.String()], {
    description: 'By how many per cent its services cost more here, up to 4 decimals',
  }),
  margin_fixed: Type.String({ description: 'More for 1000, beside the per cent' }),
}
/** What may be left out. */
const SentTerms = {
  currency: Type.Optional(
    nullable(Type.String({ description: '`null`: what its balance says that it is in' })),
  ),
  is_idempotent: Type.Optional(
    Type.Boolean({ description: 'Whether it honours Idempotency-Key, as another Purser does' }),
  ),
  in_flight_max: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: IN_FLIGHT_MAX,
      description: 'How many orders are handed over at once',
    }),
  ),
  balance_alert: Type.Optional(
    nullable(Type.String({ description: 'Below it there is a notice; `null`: never' })),
  ),
  when_failing: Type.Optional(oneOf(FAILING_POLICIES)),
  refund_after_minutes: Type.Optional(
    Type.Integer({ minimum: 1, maximum: REFUND_AFTER_MINUTES_MAX }),
  ),
  margin_percent: Type.Optional(SentMargin.margin_percent),
  margin_fixed: Type.Optional(SentMargin.margin_fixed),
  round_to: Type.Optional(
    Type.String({ description: 'Rates are rounded up to a multiple of it', examples: ['0.01'] }),
  ),
}
export const NewUpstream = strictObject({
  name: Type.String({ description: 'As services and orders name it', examples: ['big-panel'] }),
  url: Url,
  api_key: ApiKey,
  ...SentTerms,
})
export const UpstreamChanges = strictObject({
  url: Type.Optional(Url),
  api_key: Type.Optional(ApiKey),
  state: Type.Optional(oneOf(UPSTREAM_STATES)),
  ...SentTerms,
})
export const UpstreamShape = Type.Object({
  id: Id,
  name: Type.String(),
  url: Type.String(),
  state: oneOf(UPSTREAM_STATES),
  currency: nullable(Type.String()),
  is_idempotent: Type.Boolean(),
  in_flight_max: Type.Integer(),
  balance: nullable(Type.String({ description: 'As it last said' })),
  balance_at: NullableInstant,
  balance_alert: nullable(Amount),
  when_failing: oneOf(FAILING_POLICIES),
  refund_after_minutes: Type.Integer(),
  margin_percent: Type.Number(),
  margin_fixed: Amount,
  round_to: Amount,
  category_margins: Type.Array(
    Type.Object({ category_id: Id, margin_percent: Type.Number(), margin_fixed: Amount }),
  ),
  services_at: NullableInstant,
  failing_since: NullableInstant,
  last_error: nullable(Type.String()),
  created_at: Instant,
  updated_at: Instant,
})
export const OfferShape = Type.Object({
  service: Type.String({ description: 'What the upstream calls it' }),
  name: Type.String(),
  type: Type.String(),
  category: Type.String(),
  description: Type.String(),
  rate: Type.String({ description: "For 1000, in the upstream's currency" }),
  min_quantity: Type.String(),
  max_quantity: Type.String(),
  can_refill: Type.Boolean(),
  can_cancel: Type.Boolean(),
  can_dripfeed: Type.Boolean(),
  gone_at: NullableInstant,
  service_ids: Type.Array(Id, { description: 'What is sold here by it' }),
})

type Sent = Omit<Static<typeof UpstreamChanges>, 'api_key' | 'state'>

/** What was sent, in the core's words; undefined where nothing was. */
export function readTerms(sent: Sent): {
  readonly [Field in keyof UpstreamTerms]: UpstreamTerms[Field] | undefined
} {
  return {
    url: sent.url,
    currency: sent.currency,
    isIdempotent: sent.is_idempotent,
    inFlightMax: sent.in_flight_max,
    balanceAlert: sent.balance_alert,
    whenFailing: sent.when_failing,
    refundAfterMinutes: sent.refund_after_minutes,
    marginPpm:
      sent.margin_percent === undefined
        ? undefined
        : readPercent(sent.margin_percent, '/margin_percent'),
    marginFixed: sent.margin_fixed,
    roundTo: sent.round_to,
  }
}

/** Everything of a new upstream, also what was left out. */
export function readNewTerms(sent: Static<typeof NewUpstream>): UpstreamTerms {
  const given = Object.entries(readTerms(sent)).filter(([, value]) => value !== undefined)
  const terms = Object.fromEntries(given) as Partial<UpstreamTerms>
  return { ...UPSTREAM_DEFAULTS, ...terms, url: sent.url }
}

export function showUpstream(upstream: Upstream): Static<typeof UpstreamShape> {
  return {
    id: upstream.id,
    name: upstream.name,
    url: upstream.url,
    state: upstream.state,
    currency: upstream.currency,
    is_idempotent: upstream.isIdempotent,
    in_flight_max: upstream.inFlightMax,
    balance: showAmount(upstream.balanceMicros),
    balance_at: upstream.balanceAt,
    balance_alert: showAmount(upstream.balanceAlertMicros),
    when_failing: upstream.whenFailing,
    refund_after_minutes: upstream.refundAfterMinutes,
    margin_percent: showPercent(upstream.marginPpm),
    margin_fixed: formatAmount(BigInt(upstream.marginFixedMicros), 2),
    round_to: formatAmount(BigInt(upstream.roundToMicros), 2),
    category_margins: upstream.margins.map(({ categoryId, marginPpm, marginFixedMicros }) => ({
      category_id: categoryId,
      margin_percent: showPercent(marginPpm),
      margin_fixed: formatAmount(BigInt(marginFixedMicros), 2),
    })),
    services_at: upstream.servicesAt,
    failing_since: upstream.failingSince,
    last_error: upstream.lastError,
    created_at: upstream.createdAt,
    updated_at: upstream.updatedAt,
  }
}

export function showOffer(offer: StoredOffer): Static<typeof OfferShape> {
  return {
    service: offer.service,
    name: offer.name,
    type: offer.type,
    category: offer.category,
    description: offer.description,
    rate: formatAmount(offer.rateMicros, 2),
    min_quantity: String(offer.minQuantity),
    max_quantity: String(offer.maxQuantity),
    can_refill: offer.canRefill,
    can_cancel: offer.canCancel,
    can_dripfeed: offer.canDripfeed,
    gone_at: offer.goneAt?.toISOString() ?? null,
    service_ids: offer.serviceIds.map(String),
  }
}

function showAmount(micros: string | null): string | null {
  return micros === null ? null : formatAmount(BigInt(micros), 2)
}
