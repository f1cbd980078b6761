import { type Static, Type } from 'typebox'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { ORDER_STATES } from '../core/orders/order.ts'
import { monthlyName, parseOrderName } from '../core/orders/order-name.ts'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { findOrder, listOrders, type OrderView } from '../core/orders/order-views.ts'
import { Refusal } from '../core/refusal.ts'
import { callerOf } from '../http/rest/caller.ts'
import { readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Count,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NullableInstant,
  nullable,
  oneOf,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { reading } from './schemas.ts'

const OrderShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
  service_id: Id,
  type: oneOf(SERVICE_TYPES),
  state: oneOf(ORDER_STATES),
  quantity: Count,
  remains: Count,
  start_count: nullable(Count),
  link: Type.String(),
  params: nullable(Type.Record(Type.String(), Type.Unknown())),
  currency: Type.String(),
  list_charge: Amount,
  charge: Amount,
  refunded: Amount,
  cancel_requested_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
})
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
      return toPage('orders', { rows: rows.map(show), limit, render: (row) => row })
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
      return show(order)
    },
  )
}

function show(order: OrderView): Static<typeof OrderShape> {
  const amount = (micros: bigint) => formatAmount(micros, currencyDecimals(order.currency))
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    service_id: String(order.serviceId),
    type: order.serviceType as Static<typeof OrderShape>['type'],
    state: order.state,
    quantity: Number(order.quantity),
    remains: Number(order.remains),
    start_count: order.startCount === null ? null : Number(order.startCount),
    link: order.link,
    params: order.params as Record<string, unknown> | null,
    currency: order.currency,
    list_charge: amount(order.listChargeMicros),
    charge: amount(order.chargeMicros),
    refunded: amount(order.refundedMicros),
    cancel_requested_at: order.cancelRequestedAt?.toISOString() ?? null,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  }
}
