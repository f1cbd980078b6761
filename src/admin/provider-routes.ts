import { Type } from 'typebox'
import { readProviders } from '../core/orders/provider-views.ts'
import { Count, NullableInstant, oneOf } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import type { AdminRoutes } from './admin-routes.ts'
import { reading } from './schemas.ts'

/** An open order that waits longer than this to be looked at says that nobody gets through. */
const BEHIND_MS = 60_000

const ProviderShape = Type.Object({
  name: Type.String(),
  kind: oneOf(['delivery']),
  status: oneOf(['working', 'behind']),
  services: Count,
  open_orders: Count,
  due_since: NullableInstant,
})

/** Who delivers what is sold. */
export function registerProviders(app: AdminRoutes, deps: AdminDeps): void {
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
      const providers = await readProviders(deps.funnel.database.db, [...deps.providers], now)
      return {
        data: providers.map(({ name, services, openOrders, dueSince }) => ({
          name,
          kind: 'delivery' as const,
          status:
            dueSince !== null && now.getTime() - dueSince.getTime() > BEHIND_MS
              ? ('behind' as const)
              : ('working' as const),
          services,
          open_orders: openOrders,
          due_since: dueSince?.toISOString() ?? null,
        })),
      }
    },
  )
}
