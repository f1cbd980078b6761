import { type Static, Type } from 'typebox'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { isOrderState, ORDER_STATES, type OrderState } from '../core/orders/order.ts'
import { monthlyName, parseOrderName } from '../core/orders/order-name.ts'
import { findOrder, listOrders, listRefunds, type OrderView } from '../core/orders/order-views.ts'
import { refundOrder } from '../core/orders/refund-order.ts'
import { setOrderStatus } from '../core/orders/set-order-status.ts'
import { invalidField, Refusal } from '../core/refusal.ts'
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
  strictObject,
} from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount, parseAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const OrderShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
  account_id: Id,
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
  provider: Type.String(),
  provider_ref: nullable(Type.String()),
  cancel_requested_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
})
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
      return toPage('orders', { rows: rows.map(show), limit, render: (row) => row })
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
      const order = await find(deps, params.id)
      const refunds = await listRefunds(db, order.id)
      return {
        ...show(order),
        refunds: refunds.map((refund) => ({
          id: String(refund.id),
          cause: refund.cause,
          amount: amount(refund.amountMicros, order.currency),
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
      const { id: orderId } = await find(deps, request.params.id)
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
      const { id: orderId, currency } = await find(deps, request.params.id)
      const amountMicros = readAmount(request.body.amount)
      const input = { orderId, amountMicros, reason: request.body.reason }
      const refund = await write(deps, { request, reply, operation: refundOrder, input })
      return reply.code(201).send({
        id: refund.refundId,
        order_id: refund.orderId,
        amount: amount(BigInt(refund.amountMicros), currency),
        refunded: amount(BigInt(refund.refundedMicros), currency),
        currency,
      })
    },
  )
}

/** An order by its number or its CR- form. Refuses `order_not_found`. */
async function find(deps: AdminDeps, text: string): Promise<OrderView> {
  const name = parseOrderName(text)
  const order = name && (await findOrder(deps.funnel.database.db, name.id))
  if (!order || !name.fits(order.createdAt)) throw new Refusal('order_not_found')
  return order
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

function amount(micros: bigint, currency: string): string {
  return formatAmount(micros, currencyDecimals(currency))
}

function show(order: OrderView): Static<typeof OrderShape> {
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    account_id: String(order.accountId),
    service_id: String(order.serviceId),
    type: order.serviceType as Static<typeof OrderShape>['type'],
    state: order.state,
    quantity: Number(order.quantity),
    remains: Number(order.remains),
    start_count: order.startCount === null ? null : Number(order.startCount),
    link: order.link,
    params: order.params as Record<string, unknown> | null,
    currency: order.currency,
    list_charge: amount(order.listChargeMicros, order.currency),
    charge: amount(order.chargeMicros, order.currency),
    refunded: amount(order.refundedMicros, order.currency),
    provider: order.provider,
    provider_ref: order.providerRef,
    cancel_requested_at: order.cancelRequestedAt?.toISOString() ?? null,
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  }
}
