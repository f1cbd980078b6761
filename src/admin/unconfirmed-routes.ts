import { Type } from 'typebox'
import { ORDER_STATES } from '../core/orders/order.ts'
import { listUnconfirmed } from '../core/orders/order-views.ts'
import {
  checkFound,
  type Resolution,
  resolveUnconfirmed,
} from '../core/orders/resolve-unconfirmed.ts'
import { invalidField } from '../core/refusal.ts'
import { readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, listOf, listQuery, oneOf, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { findShown, OrderShape, showOrder } from './order-shape.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const ResolutionBody = strictObject({
  as: oneOf(['found', 'resend', 'refund']),
  provider_ref: Type.Optional(
    Type.String({ description: 'Of `found`: under which number its provider has it' }),
  ),
})
const Resolved = Type.Object({ id: Id, state: oneOf(ORDER_STATES) })
const tag = 'Orders'

/** Orders of which nobody knows whether their provider has them: an operator finds out. */
export function registerUnconfirmed(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/unconfirmed-orders',
    {
      schema: reading(
        {
          operationId: 'listUnconfirmedOrders',
          summary: 'List orders that their providers may have or not, newest first',
          tag,
        },
        { querystring: listQuery({}), answer: listOf(OrderShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('unconfirmed-orders', query)
      const rows = await listUnconfirmed(db, { beforeId: from, limit: limit + 1 })
      const shown = rows.map(showOrder)
      return toPage('unconfirmed-orders', { rows: shown, limit, render: (row) => row })
    },
  )
  app.post(
    '/orders/:id/resolve',
    {
      schema: writing(
        {
          operationId: 'resolveUnconfirmedOrder',
          summary: 'Say what became of an unconfirmed order',
          tag,
        },
        { params: IdParams, body: ResolutionBody, answers: { 200: Resolved } },
      ),
    },
    async (request, reply) => {
      const { id: orderId, provider } = await findShown(deps, request.params.id)
      const resolution = await readResolution(deps, { provider, ...request.body })
      const input = { orderId, resolution }
      return await write(deps, { request, reply, operation: resolveUnconfirmed, input })
    },
  )
}

async function readResolution(
  deps: AdminDeps,
  o: { provider: string; as: Resolution['kind']; provider_ref?: string },
): Promise<Resolution> {
  const { provider, as: kind, provider_ref } = o
  if (kind !== 'found') return { kind }
  if (provider_ref === undefined) {
    throw invalidField('/provider_ref', 'say under which number', 'missing_required')
  }
  const asked = { provider, providerRef: provider_ref }
  return { kind, providerRef: await checkFound(deps.desk.drivers, asked) }
}
