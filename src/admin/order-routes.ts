import { Type } from 'typebox'
import { isOrderState, ORDER_STATES, type OrderState } from '../core/orders/order.ts'
import { listOrders, listRefunds } from '../core/orders/order-views.ts'
import { refundOrder } from '../core/orders/refund-order.ts'
import { setOrderStatus } from '../core/orders/set-order-status.ts'
import { invalidField } from '../core/refusal.ts'
import { orderAmount } from '../http/rest/order-fields.ts'
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
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { parseAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { findShown, OrderShape, showOrder } from './order-shape.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const RefundShape = Type.Object({
  id: Id,
  cause: Type.String(),
  amount: Amount,
  reason: nullable(Type.String()),
  created_at: Instant,
})
const OrderWithRefunds = Type.Object({
  ...OrderShape.properties,
  refunds: Type.Array(RefundShape),
})
const NewStatus = strictObject({
  status: Type.Optional(
    Type.String({ description: `One of ${ORDER_STATES.join(', ')}, or as the panels write it` }),
  ),
  remains: Type.Optional(Count),
  start_count: Type.Optional(Count),
})
const SetStatus = Type.Object({ id: Id, state: oneOf(ORDER_STATES) })
const NewRefund = strictObject({
  amount: Type.Optional(Type.String({ description: 'Left out: all that is left of the charge' })),
  reason: Type.String(),
})
const MadeRefund = Type.Object({
  id: Id,
  order_id: Id,
  amount: Amount,
  refunded: Amount,
  currency: Type.String(),
})
const tag = 'Orders'

/** Deliveries of services. */
export function registerOrders(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/orders',
    {
      schema: reading(
        { operationId: 'listOrders', summary: 'List orders, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            service_id: Type.Optional(Id),
            state: Type.Optional(oneOf(ORDER_STATES)),
          }),
          answer: listOf(OrderShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('orders', query)
      const { account_id, service_id, state } = query
      const rows = await listOrders(db, {
        accountId: account_id === undefined ? undefined : readIdField(account_id, '/account_id'),
        serviceId: service_id === undefined ? undefined : readIdField(service_id, '/service_id'),
        state,
        beforeId: from,
        limit: limit + 1,
      })
      return toPage('orders', { rows: rows.map(showOrder), limit, render: (row) => row })
    },
  )
  app.get(
    '/orders/:id',
    {
      schema: reading(
        { operationId: 'getOrder', summary: 'An order with its refunds', tag },
        { params: IdParams, answer: OrderWithRefunds },
      ),
    },
    async ({ params }) => {
      const order = await findShown(deps, params.id)
      const refunds = await listRefunds(db, order.id)
      return {
        ...showOrder(order),
        refunds: refunds.map((refund) => ({
          id: String(refund.id),
          cause: refund.cause,
          amount: orderAmount(refund.amountMicros, order.currency),
          reason: refund.reason,
          created_at: refund.createdAt.toISOString(),
        })),
      }
    },
  )
  registerOrderWrites(app, deps)
}

function registerOrderWrites(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/orders/:id/status',
    {
      schema: writing(
        { operationId: 'setOrderStatus', summary: 'Say where an order stands', tag },
        { params: IdParams, body: NewStatus, answers: { 200: SetStatus } },
      ),
    },
    async (request, reply) => {
      const { status, remains, start_count } = request.body
      const { id: orderId } = await findShown(deps, request.params.id)
      const input = {
        orderId,
        state: status === undefined ? undefined : readState(status),
        remains: remains === undefined ? undefined : BigInt(remains),
        startCount: start_count === undefined ? undefined : BigInt(start_count),
      }
      return await write(deps, { request, reply, operation: setOrderStatus, input })
    },
  )
  app.post(
    '/orders/:id/refund',
    {
      schema: writing(
        { operationId: 'refundOrder', summary: 'Give money back for an order', tag },
        { params: IdParams, body: NewRefund, answers: { 201: MadeRefund } },
      ),
    },
    async (request, reply) => {
      const { id: orderId, currency } = await findShown(deps, request.params.id)
      const amountMicros = readAmount(request.body.amount)
      const input = { orderId, amountMicros, reason: request.body.reason }
      const refund = await write(deps, { request, reply, operation: refundOrder, input })
      return reply.code(201).send({
        id: refund.refundId,
        order_id: refund.orderId,
        amount: orderAmount(BigInt(refund.amountMicros), currency),
        refunded: orderAmount(BigInt(refund.refundedMicros), currency),
        currency,
      })
    },
  )
}

/** `In progress`, as the panels write it, is in_progress. */
function readState(text: string): OrderState {
  const state = text.trim().toLowerCase().replaceAll(' ', '_')
  if (!isOrderState(state)) {
    throw invalidField('/status', `must be one of: ${ORDER_STATES.join(', ')}`)
  }
  return state
}

function readAmount(text: string | undefined): bigint | null {
  if (text === undefined) return null
  const micros = parseAmount(text)
  if (micros === undefined) {
    throw invalidField('/amount', 'must be a decimal such as "1.50", up to 6 decimals')
  }
  return micros
}
