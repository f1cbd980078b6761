import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { accountBuyer } from '../core/orders/buyer.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import { readFollowedWork } from '../core/orders/followed-work.ts'
import { ORDER_FIELDS, type OrderRequest } from '../core/orders/order-fields.ts'
import { readOrderWork } from '../core/orders/order-input.ts'
import { listParts } from '../core/orders/order-views.ts'
import { pauseOrder, resumeOrder } from '../core/orders/pause-order.ts'
import { placeOrderFor } from '../core/orders/place-order.ts'
import { Refusal } from '../core/refusal.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../http/idempotency-key.ts'
import { readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, listOf, listQuery, NoBody, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { callerOf } from './caller.ts'
import { findShown, OrderShape, showOrder } from './order-shape.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const Field = Type.Optional(Type.Union([Type.String(), Type.Integer()]))
const OTHER_FIELDS = ORDER_FIELDS.filter((field) => field !== 'service')
const NewOrder = strictObject({
  account_id: Id,
  service_id: Id,
  ...Object.fromEntries(OTHER_FIELDS.map((field) => [field, Field])),
})
const Paused = Type.Object({ id: Id, paused: Type.Boolean() })
const tag = 'Orders'

/**
 * Orders that operators place for accounts, subscriptions among them, which customers cannot order
 * themselves; and what operators do with orders that are delivered in parts.
 */
export function registerFollowedOrders(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/orders',
    {
      schema: writing(
        { operationId: 'createOrder', summary: 'Order for an account, also a subscription', tag },
        { body: NewOrder, answers: { 201: OrderShape } },
      ),
    },
    async (request, reply) => {
      const { actor: by } = callerOf(request)
      const { account_id, service_id, ...fields } = request.body
      const accountId = readIdField(account_id, '/account_id')
      const placed = await placeOrderFor(deps.desk, {
        actor: await accountBuyer(deps.funnel.database.db, { accountId, by }),
        request: { ...readFields(fields), service: service_id },
        idempotencyKey: idempotencyKeyOf(request, undefined),
        readWork: (service, asked, setting) =>
          service.type === 'Subscriptions'
            ? readFollowedWork(service, asked, setting)
            : readOrderWork(service, asked, setting),
      })
      const { id } = toldIfReplayed(reply, placed)
      return reply.code(201).send(showOrder(await findShown(deps, String(id))))
    },
  )
  app.get(
    '/orders/:id/parts',
    {
      schema: reading(
        { operationId: 'listParts', summary: 'The parts of an order, the first first', tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(OrderShape) },
      ),
    },
    async ({ params, query }) => {
      const order = await findShown(deps, params.id)
      const { limit, from } = readPage('parts', query)
      const rows = await listParts(deps.funnel.database.db, {
        orderId: order.id,
        afterPart: Number(from ?? 0n),
        limit: limit + 1,
      })
      const page = rows.map((row) => ({ id: String(row.part), shown: showOrder(row) }))
      return toPage<(typeof page)[number], (typeof page)[number]['shown']>('parts', {
        rows: page,
        limit,
        render: ({ shown }) => shown,
      })
    },
  )
  registerSteering(app, deps)
}

function registerSteering(app: RestRoutes, deps: AdminDeps): void {
  const steered = { params: IdParams, body: NoBody, answers: { 200: Paused } }
  app.post(
    '/orders/:id/pause',
    {
      schema: writing(
        { operationId: 'pauseOrder', summary: 'Begin no further parts of an order', tag },
        steered,
      ),
    },
    async (request, reply) => {
      const { id: orderId } = await findShown(deps, request.params.id)
      return await write(deps, { request, reply, operation: pauseOrder, input: { orderId } })
    },
  )
  app.post(
    '/orders/:id/resume',
    {
      schema: writing(
        { operationId: 'resumeOrder', summary: 'Go on with an order that was paused', tag },
        steered,
      ),
    },
    async (request, reply) => {
      const { id: orderId } = await findShown(deps, request.params.id)
      return await write(deps, { request, reply, operation: resumeOrder, input: { orderId } })
    },
  )
  app.post(
    '/orders/:id/stop',
    {
      schema: writing(
        {
          operationId: 'stopOrder',
          summary: 'Cancel an order, whether or not its customer may',
          tag,
        },
        { params: IdParams, body: NoBody, answers: { 200: OrderShape } },
      ),
    },
    async (request, reply) => {
      await stop(deps, request, reply)
      return showOrder(await findShown(deps, request.params.id))
    },
  )
}

/** As customers cancel: what runs is stopped where the provider agrees, the rest is refunded. */
async function stop(
  { desk }: AdminDeps,
  request: FastifyRequest<{ Params: { id: string } }>,
  reply: FastifyReply,
): Promise<void> {
  const effect = await cancelOrders(desk, {
    actor: callerOf(request).actor,
    input: { orders: [request.params.id] },
    idempotencyKey: idempotencyKeyOf(request, undefined),
  })
  const refused = toldIfReplayed(reply, effect).results[0]?.refused ?? null
  if (refused !== null) throw new Refusal(refused)
}

function readFields(fields: Readonly<Record<string, string | number | undefined>>): OrderRequest {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([field, value]) => [field, String(value)]))
}
