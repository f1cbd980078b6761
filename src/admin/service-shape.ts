import { type Static, Type } from 'typebox'
import {
  QUANTITY_MAX,
  SERVICE_STATES,
  type Service,
  type ServiceProvider,
} from '../core/catalogue/service.ts'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { invalidField } from '../core/refusal.ts'
import { Amount, Id, Instant, nullable, oneOf, strictObject } from '../http/rest/shapes.ts'
import { formatAmount, parseAmount } from '../lib/money.ts'
import { Position } from './category-routes.ts'
import { readPercent, showPercent } from './percent.ts'

const Quantity = Type.Integer({ minimum: 1, maximum: QUANTITY_MAX })
export const Rate = Type.String({ description: 'For 1000, up to six decimals', examples: ['0.90'] })
const SentMargin = Type.Union([Type.Number(), Type.String()], {
  description: 'By how many per cent more than the upstream, up to 4 decimals; `null`: as it says',
})
const SentFixed = Type.String({ description: 'More for 1000, beside the per cent' })
export const MinCharge = Type.Optional(
  Type.String({ description: "The least that an order costs, before its key's discount" }),
)
const Price = strictObject({ currency: Type.String(), rate: Rate, min_charge: MinCharge })
const SentProvider = strictObject({
  provider: Type.String(),
  upstream_service: Type.Optional(
    nullable(Type.String({ description: 'What an upstream panel calls the service' })),
  ),
  follows_price: Type.Optional(
    Type.Boolean({ description: "Whether the service's price follows this upstream's" }),
  ),
  margin_percent: Type.Optional(nullable(SentMargin)),
  margin_fixed: Type.Optional(nullable(SentFixed)),
})
const Provider = Type.Object({
  provider: Type.String(),
  upstream_service: nullable(Type.String()),
  follows_price: Type.Boolean(),
  margin_percent: nullable(Type.Number()),
  margin_fixed: nullable(Amount),
})
const Terms = {
  category_id: Id,
  name: Type.String(),
  description: Type.Optional(Type.String()),
  position: Type.Optional(Position),
  min_quantity: Quantity,
  max_quantity: Quantity,
  package_quantity: Type.Optional(nullable(Quantity)),
  can_refill: Type.Optional(Type.Boolean()),
  can_cancel: Type.Optional(Type.Boolean()),
  can_dripfeed: Type.Optional(Type.Boolean()),
  quantity_step: Type.Optional(Quantity),
  link_pattern: Type.Optional(
    nullable(
      Type.String({
        description: 'RE2 that must be found in the link; `^` and `$` tie it to the ends',
        examples: ['^https://shop\\.example/'],
      }),
    ),
  ),
  one_active_per_link: Type.Optional(
    Type.Boolean({ description: 'Whether an account has one unfinished order for a link at most' }),
  ),
  refill_days: Type.Optional(
    nullable(Type.Integer({ minimum: 1, description: 'After the end; `null`: for ever' })),
  ),
  refill_cooldown_hours: Type.Optional(Type.Integer({ minimum: 0 })),
  confirm_first: Type.Optional(
    Type.Boolean({
      description: 'Whether `add` waits for the provider, and fails where it refuses',
    }),
  ),
  provider: Type.Optional(
    Type.String({ description: 'Who delivers, alone', default: 'simulated' }),
  ),
  providers: Type.Optional(
    Type.Array(SentProvider, {
      maxItems: 10,
      description: 'Who is asked to deliver, in this order, instead of `provider`',
    }),
  ),
}
export const NewServiceBody = strictObject({
  type: oneOf(SERVICE_TYPES),
  ...Terms,
  prices: Type.Optional(Type.Array(Price, { maxItems: 200 })),
})
export const ServiceChangesBody = Type.Partial(
  strictObject({ ...Terms, state: oneOf(SERVICE_STATES) }),
  {
    additionalProperties: false,
  },
)
export const ServiceShape = Type.Object({
  id: Id,
  category_id: Id,
  name: Type.String(),
  description: Type.String(),
  type: oneOf(SERVICE_TYPES),
  state: oneOf(SERVICE_STATES),
  position: Position,
  min_quantity: Quantity,
  max_quantity: Quantity,
  package_quantity: nullable(Quantity),
  can_refill: Type.Boolean(),
  can_cancel: Type.Boolean(),
  can_dripfeed: Type.Boolean(),
  quantity_step: Quantity,
  link_pattern: nullable(Type.String()),
  one_active_per_link: Type.Boolean(),
  refill_days: nullable(Type.Integer()),
  refill_cooldown_hours: Type.Integer(),
  confirm_first: Type.Boolean(),
  average_seconds: nullable(
    Type.Integer({ description: 'How long its orders have taken lately; `null`: none has ended' }),
  ),
  provider: Type.String(),
  providers: Type.Array(Provider),
  prices: Type.Array(Type.Object({ currency: Type.String(), rate: Amount, min_charge: Amount })),
  created_at: Instant,
  updated_at: Instant,
})

export function showService(service: Service): Static<typeof ServiceShape> {
  return {
    id: service.id,
    category_id: service.categoryId,
    name: service.name,
    description: service.description,
    type: service.type,
    state: service.state,
    position: service.position,
    min_quantity: service.minQuantity,
    max_quantity: service.maxQuantity,
    package_quantity: service.packageQuantity,
    can_refill: service.canRefill,
    can_cancel: service.canCancel,
    can_dripfeed: service.canDripfeed,
    quantity_step: service.quantityStep,
    link_pattern: service.linkPattern,
    one_active_per_link: service.oneActivePerLink,
    refill_days: service.refillDays,
    refill_cooldown_hours: service.refillCooldownHours,
    confirm_first: service.confirmFirst,
    average_seconds: service.averageSeconds,
    provider: service.provider,
    providers: service.providers.map(showProvider),
    prices: service.prices.map(({ currency, rateMicros, minChargeMicros }) => ({
      currency,
      rate: formatAmount(BigInt(rateMicros), 2),
      min_charge: formatAmount(BigInt(minChargeMicros), 2),
    })),
    created_at: service.createdAt,
    updated_at: service.updatedAt,
  }
}

/** What both making and changing a service may say, as the core takes it. */
export function readRules(body: Static<typeof ServiceChangesBody>) {
  return {
    quantityStep: body.quantity_step,
    linkPattern: body.link_pattern,
    oneActivePerLink: body.one_active_per_link,
    refillDays: body.refill_days,
    refillCooldownHours: body.refill_cooldown_hours,
    confirmFirst: body.confirm_first,
    provider: body.provider,
    providers: readProviders(body),
  }
}

function readProviders(body: Static<typeof ServiceChangesBody>): ServiceProvider[] | undefined {
  if (body.providers !== undefined && body.provider !== undefined) {
    throw invalidField('/provider', 'send provider or providers, not both')
  }
  return body.providers?.map((sent, at) => {
    const pointer = `/providers/${at}`
    const { margin_percent: percent, margin_fixed: fixed } = sent
    const micros = fixed == null ? null : parseAmount(fixed)
    if (micros === undefined) throw invalidField(`${pointer}/margin_fixed`, 'must be a decimal')
    return {
      provider: sent.provider,
      upstreamService: sent.upstream_service ?? null,
      followsPrice: sent.follows_price ?? false,
      marginPpm: percent == null ? null : readPercent(percent, `${pointer}/margin_percent`),
      marginFixedMicros: micros === null ? null : String(micros),
    }
  })
}

function showProvider(provider: ServiceProvider): Static<typeof Provider> {
  return {
    provider: provider.provider,
    upstream_service: provider.upstreamService,
    follows_price: provider.followsPrice,
    margin_percent: provider.marginPpm === null ? null : showPercent(provider.marginPpm),
    margin_fixed:
      provider.marginFixedMicros === null
        ? null
        : formatAmount(BigInt(provider.marginFixedMicros), 2),
  }
}
