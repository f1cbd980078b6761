import { Type } from 'typebox'
import { ORDER_STATES } from '../core/orders/order.ts'
import { parseOrderName } from '../core/orders/order-name.ts'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { findOrder, listOrders } from '../core/orders/order-views.ts'
import { Refusal } from '../core/refusal.ts'
import { callerOf } from '../http/rest/caller.ts'
import { OrderShape, showOrderFields } from '../http/rest/order-fields.ts'
import { readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, listOf, listQuery, oneOf } from '../http/rest/shapes.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { reading } from './schemas.ts'

const tag = 'Orders'

/** The orders of the account. */
export function registerOrders(app: RestRoutes, deps: CustomerDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/orders',
    reading(
      {
        operationId: 'listOrders',
        summary: 'List orders, newest first',
        tag,
        scopes: ORDER_READERS,
      },
      {
        querystring: listQuery({
          service_id: Type.Optional(Id),
          state: Type.Optional(oneOf(ORDER_STATES)),
        }),
        answer: listOf(OrderShape),
      },
    ),
    async (request) => {
      const { limit, from } = readPage('orders', request.query)
      const { service_id, state } = request.query
      const rows = await listOrders(db, {
        accountId: callerOf(request).accountId,
        serviceId: service_id === undefined ? undefined : readIdField(service_id, '/service_id'),
        state,
        beforeId: from,
        limit: limit + 1,
      })
      return toPage('orders', { rows: rows.map(showOrderFields), limit, render: (row) => row })
    },
  )
  app.get(
    '/orders/:id',
    reading(
      { operationId: 'getOrder', summary: 'An order', tag, scopes: ORDER_READERS },
      { params: IdParams, answer: OrderShape },
    ),
    async (request) => {
      const name = parseOrderName(request.params.id)
      const order = name && (await findOrder(db, name.id))
      const isOwn = order?.accountId === callerOf(request).accountId
      if (!order || !isOwn || !name.fits(order.createdAt)) throw new Refusal('order_not_found')
      return showOrderFields(order)
    },
  )
}
