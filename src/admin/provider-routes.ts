import { Type } from 'typebox'
import { readGateways } from '../core/billing/cards/gateway-views.ts'
import { readProviders } from '../core/orders/provider-views.ts'
import { readComputeProviders } from '../core/servers/provider-views.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { NullableInstant, nullable, oneOf } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading } from './schemas.ts'

/** Work that waits longer than this to be looked at says that nobody gets through. */
const BEHIND_MS = 60_000

const ProviderShape = Type.Object({
  name: Type.String(),
  kind: oneOf(['delivery', 'compute', 'payment']),
  status: oneOf(['working', 'behind']),
  services: nullable(Type.Integer({ minimum: 0, description: 'Of a delivery provider' })),
  open_orders: nullable(Type.Integer({ minimum: 0, description: 'Of a delivery provider' })),
  plans: nullable(Type.Integer({ minimum: 0, description: 'Of a compute provider' })),
  servers: nullable(Type.Integer({ minimum: 0, description: 'Of a compute provider' })),
  cards: nullable(Type.Integer({ minimum: 0, description: 'Of a payment provider' })),
  due_since: NullableInstant,
})

const NO_COUNTS = { services: null, open_orders: null, plans: null, servers: null, cards: null }

/** Who delivers what is sold, who runs the servers, and who charges cards. */
export function registerProviders(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/providers',
    {
      schema: reading(
        { operationId: 'listProviders', summary: 'Providers and how they keep up', tag: 'Drivers' },
        { answer: Type.Object({ data: Type.Array(ProviderShape) }) },
      ),
    },
    async () => {
      const now = deps.funnel.clock.now()
      const { delivery, compute, payment } = deps.providers
      const deliveries = await readProviders(db, [...delivery], now)
      const computes = await readComputeProviders(db, [...compute], now)
      const payments = await readGateways(db, [...payment], now)
      const standing = (dueSince: Date | null) => ({
        status:
          dueSince !== null && now.getTime() - dueSince.getTime() > BEHIND_MS
            ? ('behind' as const)
            : ('working' as const),
        due_since: dueSince?.toISOString() ?? null,
      })
      return {
        data: [
          ...deliveries.map(({ name, services, openOrders, dueSince }) => ({
            ...{ ...NO_COUNTS, name, kind: 'delivery' as const, services, open_orders: openOrders },
            ...standing(dueSince),
          })),
          ...computes.map(({ name, plans, servers, dueSince }) => ({
            ...{ ...NO_COUNTS, name, kind: 'compute' as const, plans, servers },
            ...standing(dueSince),
          })),
          ...payments.map(({ name, cards, dueSince }) => ({
            ...{ ...NO_COUNTS, name, kind: 'payment' as const, cards },
            ...standing(dueSince),
          })),
        ],
      }
    },
  )
}
