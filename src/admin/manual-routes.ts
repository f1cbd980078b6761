import { type Static, Type } from 'typebox'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { claimManualOrder, releaseManualOrder } from '../core/orders/manual/hold-manual-order.ts'
import {
  findManualOrder,
  listManualOrders,
  type ManualOrder,
} from '../core/orders/manual/manual-views.ts'
import {
  finishManualOrder,
  MANUAL_ENDS,
  reportManualOrder,
} from '../core/orders/manual/work-manual-order.ts'
import { ORDER_STATES } from '../core/orders/order.ts'
import { monthlyName, parseOrderName } from '../core/orders/order-name.ts'
import { Refusal } from '../core/refusal.ts'
import { readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Count,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NoBody,
  NullableInstant,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { callerOf } from './caller.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const ManualShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
  parent_id: nullable(Id),
  part: nullable(Count),
  account_id: Id,
  service_id: Id,
  service_name: Type.String(),
  type: oneOf(SERVICE_TYPES),
  state: oneOf(ORDER_STATES),
  quantity: Count,
  remains: Count,
  start_count: nullable(Count),
  link: Type.String(),
  params: nullable(Type.Record(Type.String(), Type.Unknown())),
  operator_id: nullable(Type.String({ description: 'In whose hand it is' })),
  claimed_at: NullableInstant,
  created_at: Instant,
})
const Claim = strictObject({
  take_over: Type.Optional(
    Type.Boolean({ description: "Also where it is in another operator's hand" }),
  ),
})
const Progress = strictObject({
  start_count: Type.Optional(Count),
  remains: Type.Optional(Count),
})
const End = strictObject({
  outcome: oneOf(MANUAL_ENDS),
  remains: Type.Optional(Type.Integer({ minimum: 0, description: 'What was not delivered' })),
  start_count: Type.Optional(Count),
})
const tag = 'Manual orders'

/** The queue of orders that operators deliver by hand. */
export function registerManualOrders(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/manual-orders',
    {
      schema: reading(
        { operationId: 'listManualOrders', summary: 'The queue, oldest first', tag },
        {
          querystring: listQuery({ hand: Type.Optional(oneOf(['mine', 'none', 'any'])) }),
          answer: listOf(ManualShape),
        },
      ),
    },
    async (request) => {
      const { limit, from } = readPage('manual-orders', request.query)
      const { hand = 'any' } = request.query
      const rows = await listManualOrders(db, {
        hand: hand === 'mine' ? callerOf(request).actor.operatorId : hand,
        afterId: from,
        limit: limit + 1,
      })
      return toPage('manual-orders', { rows: rows.map(show), limit, render: (row) => row })
    },
  )
  registerHolding(app, deps)
  registerWork(app, deps)
}

function registerHolding(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/manual-orders/:id/claim',
    {
      schema: writing(
        { operationId: 'claimManualOrder', summary: 'Take an order in hand', tag },
        { params: IdParams, body: Claim, answers: { 200: ManualShape } },
      ),
    },
    async (request, reply) => {
      const { id: orderId } = await find(deps, request.params.id)
      const input = { orderId, takeOver: request.body.take_over ?? false }
      await write(deps, { request, reply, operation: claimManualOrder, input })
      return show(await find(deps, request.params.id))
    },
  )
  app.post(
    '/manual-orders/:id/release',
    {
      schema: writing(
        { operationId: 'releaseManualOrder', summary: 'Let go of an order', tag },
        { params: IdParams, body: NoBody, answers: { 200: ManualShape } },
      ),
    },
    async (request, reply) => {
      const input = { orderId: (await find(deps, request.params.id)).id }
      await write(deps, { request, reply, operation: releaseManualOrder, input })
      return show(await find(deps, request.params.id))
    },
  )
}

function registerWork(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/manual-orders/:id/progress',
    {
      schema: writing(
        { operationId: 'reportManualOrder', summary: 'Say how far an order in hand is', tag },
        { params: IdParams, body: Progress, answers: { 200: ManualShape } },
      ),
    },
    async (request, reply) => {
      const { id: orderId } = await find(deps, request.params.id)
      const input = { orderId, ...readCounts(request.body) }
      await write(deps, { request, reply, operation: reportManualOrder, input })
      return show(await find(deps, request.params.id))
    },
  )
  app.post(
    '/manual-orders/:id/finish',
    {
      schema: writing(
        { operationId: 'finishManualOrder', summary: 'End an order in hand', tag },
        { params: IdParams, body: End, answers: { 200: ManualShape } },
      ),
    },
    async (request, reply) => {
      const { id: orderId } = await find(deps, request.params.id)
      const { outcome, ...counts } = request.body
      const input = { orderId, outcome, ...readCounts(counts) }
      await write(deps, { request, reply, operation: finishManualOrder, input })
      return show(await find(deps, request.params.id))
    },
  )
}

function readCounts(body: Static<typeof Progress>): { remains?: bigint; startCount?: bigint } {
  return {
    ...(body.remains === undefined ? {} : { remains: BigInt(body.remains) }),
    ...(body.start_count === undefined ? {} : { startCount: BigInt(body.start_count) }),
  }
}

/** An order of the queue by its number or its CR- form. Refuses `order_not_found`. */
async function find(deps: AdminDeps, text: string): Promise<ManualOrder> {
  const name = parseOrderName(text)
  const order = name && (await findManualOrder(deps.funnel.database.db, name.id))
  if (!order || !name.fits(order.createdAt)) throw new Refusal('order_not_found')
  return order
}

function show(order: ManualOrder): Static<typeof ManualShape> {
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    parent_id: order.parentId === null ? null : String(order.parentId),
    part: order.part,
    account_id: String(order.accountId),
    service_id: String(order.serviceId),
    service_name: order.serviceName,
    type: order.type,
    state: order.state,
    quantity: Number(order.quantity),
    remains: Number(order.remains),
    start_count: order.startCount === null ? null : Number(order.startCount),
    link: order.link,
    params: order.params as Record<string, unknown> | null,
    operator_id: order.operatorId === null ? null : String(order.operatorId),
    claimed_at: order.claimedAt?.toISOString() ?? null,
    created_at: order.createdAt.toISOString(),
  }
}
