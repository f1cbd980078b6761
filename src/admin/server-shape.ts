import { type Static, Type } from 'typebox'
import { SERVER_STATES, type Server } from '../core/servers/server.ts'
import { Amount, Id, Instant, NullableInstant, nullable, oneOf } from '../http/rest/shapes.ts'
import { publicIdOf } from '../lib/ids.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'
import { Cycle } from './cycle-price.ts'

const AddressShape = Type.Object({
  id: Id,
  version: Type.Integer({ minimum: 4, maximum: 6 }),
  address: Type.String(),
  gateway: Type.String(),
  prefix: Type.Integer({ minimum: 0, maximum: 128 }),
  is_main: Type.Boolean(),
  is_ddos_protected: Type.Boolean(),
  ptr: nullable(Type.String()),
})
const AddonShape = Type.Object({
  subscription_id: Id,
  public_id: Type.String({ examples: ['vpsaddon_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  key: Type.String(),
  family: Type.String(),
  name: Type.String(),
  quantity: Type.Integer({ minimum: 1 }),
  expires_at: Instant,
})
const SubscriptionShape = Type.Object({
  id: Id,
  state: oneOf(['active', 'ended']),
  billing_cycle: Cycle,
  expires_at: Instant,
  auto_pay: Type.Boolean(),
  time_zone: Type.String(),
  currency: Type.String(),
  renewal_net: nullable(Amount),
  renewal_gross: nullable(Type.String({ description: 'With its addons; null: not sold so' })),
})

export const ServerShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['vps_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  account_id: Id,
  plan_id: Id,
  plan_key: Type.String(),
  provider: Type.String(),
  provider_ref: Type.String({ description: 'What the provider calls it' }),
  hostname: Type.String(),
  location: Type.String(),
  image: Type.Object({ name: Type.String(), family: Type.String(), version: Type.String() }),
  state: oneOf(SERVER_STATES),
  suspended_for: nullable(oneOf(['unpaid', 'abuse'])),
  addresses: Type.Array(AddressShape),
  subscription: SubscriptionShape,
  addons: Type.Array(AddonShape),
  locked_at: NullableInstant,
  created_at: Instant,
})

export function showServer(server: Server): Static<typeof ServerShape> {
  return {
    id: String(server.id),
    public_id: publicIdOf('vps', server.publicId),
    account_id: String(server.accountId),
    plan_id: String(server.plan.id),
    plan_key: server.plan.key,
    provider: server.provider,
    provider_ref: server.providerRef,
    hostname: server.hostname,
    location: server.location,
    image: server.image,
    state: server.state,
    suspended_for: server.suspendedFor,
    addresses: server.addresses.map((address) => ({
      id: String(address.id),
      version: address.version,
      address: address.address,
      gateway: address.gateway,
      prefix: address.prefix,
      is_main: address.main,
      is_ddos_protected: address.ddosProtected,
      ptr: address.ptr,
    })),
    subscription: showSubscription(server),
    addons: server.addons.map((addon) => ({
      subscription_id: String(addon.subscriptionId),
      public_id: publicIdOf('vpsaddon', addon.publicId),
      key: addon.key,
      family: addon.family,
      name: addon.name,
      quantity: addon.quantity,
      expires_at: addon.expiresAt.toISOString(),
    })),
    locked_at: server.lockedAt?.toISOString() ?? null,
    created_at: server.createdAt.toISOString(),
  }
}

function showSubscription({ subscription }: Server): Static<typeof SubscriptionShape> {
  const { renewal, currency } = subscription
  const amount = (micros: bigint) => formatAmount(micros, currencyDecimals(currency))
  return {
    id: String(subscription.id),
    state: subscription.active ? 'active' : 'ended',
    billing_cycle: subscription.billingCycle,
    expires_at: subscription.expiresAt.toISOString(),
    auto_pay: subscription.autoPay,
    time_zone: subscription.timeZone,
    currency,
    renewal_net: renewal && amount(renewal.netMicros),
    renewal_gross: renewal && amount(renewal.grossMicros),
  }
}
