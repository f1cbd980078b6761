import { type Static, Type } from 'typebox'
import {
  listSubscriptions,
  readSubscription,
  type SubscriptionView,
} from '../core/billing/subscription-views.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NullableInstant,
  nullable,
  oneOf,
} from '../http/rest/shapes.ts'
import { publicIdOf } from '../lib/ids.ts'
import type { AdminDeps } from './admin-deps.ts'
import { Cycle } from './cycle-price.ts'
import { reading } from './schemas.ts'

const SUBSCRIPTION_STATES = ['active', 'ended'] as const
const SubscriptionShape = Type.Object({
  id: Id,
  public_id: Type.String({ description: 'sub_… of a server, vpsaddon_… of an addon' }),
  account_id: Id,
  kind: oneOf(['server', 'server-addon']),
  server_id: Id,
  plan_id: nullable(Id),
  addon_id: nullable(Id),
  quantity: Type.Integer({ minimum: 1 }),
  billing_cycle: Cycle,
  time_zone: Type.String(),
  anchor_day: Type.Integer({ minimum: 1, maximum: 31 }),
  expires_at: Instant,
  state: oneOf(SUBSCRIPTION_STATES),
  auto_pay: Type.Boolean(),
  next_invoice_at: NullableInstant,
  suspend_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
})
const PeriodShape = Type.Object({
  from: Instant,
  to: Instant,
  billing_cycle: Cycle,
  purchase_id: nullable(Type.String({ description: 'What paid for it; null: it was granted' })),
})
const SubscriptionWithPeriods = Type.Object({
  ...SubscriptionShape.properties,
  periods: Type.Array(PeriodShape, { description: 'The last hundred, newest first' }),
})
const tag = 'Billing'

/** What is renewed, and until when it is paid for. */
export function registerSubscriptions(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/subscriptions',
    {
      schema: reading(
        { operationId: 'listSubscriptions', summary: 'List subscriptions, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            server_id: Type.Optional(Id),
            state: Type.Optional(oneOf(SUBSCRIPTION_STATES)),
          }),
          answer: listOf(SubscriptionShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from: before } = readPage('subscriptions', query)
      const { account_id, server_id, state } = query
      const subscriptions = await listSubscriptions(db, {
        accountId: account_id === undefined ? undefined : readIdField(account_id, '/account_id'),
        serverId: server_id === undefined ? undefined : readIdField(server_id, '/server_id'),
        state,
        before,
        limit: limit + 1,
      })
      const rows = subscriptions.map(show)
      return toPage('subscriptions', { rows, limit, render: (row) => row })
    },
  )
  app.get(
    '/subscriptions/:id',
    {
      schema: reading(
        { operationId: 'getSubscription', summary: 'A subscription with its periods', tag },
        { params: IdParams, answer: SubscriptionWithPeriods },
      ),
    },
    async ({ params }) => {
      const { subscription, periods } = await readSubscription(db, readId(params.id))
      return {
        ...show(subscription),
        periods: periods.map((period) => ({
          from: period.from.toISOString(),
          to: period.to.toISOString(),
          billing_cycle: period.billingCycle,
          purchase_id: period.purchaseId === null ? null : String(period.purchaseId),
        })),
      }
    },
  )
}

function show(subscription: SubscriptionView): Static<typeof SubscriptionShape> {
  const { planId, addonId, kind } = subscription
  return {
    id: String(subscription.id),
    public_id: publicIdOf(kind === 'server' ? 'sub' : 'vpsaddon', subscription.publicId),
    account_id: String(subscription.accountId),
    kind,
    server_id: String(subscription.serverId),
    plan_id: planId === null ? null : String(planId),
    addon_id: addonId === null ? null : String(addonId),
    quantity: subscription.quantity,
    billing_cycle: subscription.billingCycle,
    time_zone: subscription.timeZone,
    anchor_day: subscription.anchorDay,
    expires_at: subscription.expiresAt.toISOString(),
    state: subscription.state,
    auto_pay: subscription.autoPay,
    next_invoice_at: subscription.nextInvoiceAt?.toISOString() ?? null,
    suspend_at: subscription.suspendAt?.toISOString() ?? null,
    created_at: subscription.createdAt.toISOString(),
    updated_at: subscription.updatedAt.toISOString(),
  }
}
