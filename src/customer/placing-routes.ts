import { type Static, Type } from 'typebox'
import { buyerOf } from '../core/orders/buyer.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import { ORDER_FIELDS, type OrderRequest } from '../core/orders/order-fields.ts'
import { ORDER_IDS_MAX } from '../core/orders/order-reader.ts'
import { placeMassOrder } from '../core/orders/place-mass-order.ts'
import { placeOrder } from '../core/orders/place-order.ts'
import { Refusal } from '../core/refusal.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../http/idempotency-key.ts'
import { callerOf } from '../http/rest/caller.ts'
import {
  MassOrderBody,
  MassOrderShape,
  PlacedShape,
  showMassOrder,
  showPlaced,
} from '../http/rest/mass-order.ts'
import { problemOf } from '../http/rest/problem.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { nullable, PROBLEM_KIND, strictObject } from '../http/rest/shapes.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { writing } from './schemas.ts'

const SentField = Type.Union([Type.String(), Type.Integer({ minimum: 0 })])
const NewOrder = strictObject({
  service: SentField,
  ...Object.fromEntries(
    ORDER_FIELDS.filter((field) => field !== 'service').map((field) => [
      field,
      Type.Optional(SentField),
    ]),
  ),
})
const Cancel = strictObject({
  orders: Type.Array(Type.String(), {
    minItems: 1,
    maxItems: ORDER_IDS_MAX,
    description: 'Numbers, or names such as CR-202411-0001',
  }),
})
const Canceled = Type.Object({
  data: Type.Array(
    Type.Object({
      order: Type.String({ description: 'As sent' }),
      is_canceled: Type.Boolean(),
      problem: nullable(Type.Object(PROBLEM_KIND)),
    }),
  ),
})
const scopes = ['write:orders'] as const
const tag = 'Orders'

/** Ordering, one by one or many at once, and canceling. */
export function registerPlacing(app: RestRoutes, deps: CustomerDeps): void {
  const { desk } = deps
  app.post(
    '/orders',
    writing(
      {
        operationId: 'placeOrder',
        summary: 'Order a service',
        description: 'The fields are those of `add` of the panel API, by the type of the service.',
        tag,
        scopes,
      },
      { body: NewOrder, answers: { 201: PlacedShape } },
    ),
    async (request, reply) => {
      const placed = await placeOrder(desk, {
        actor: await buyerOf(desk.db, callerOf(request)),
        request: readRequest(request.body),
        idempotencyKey: idempotencyKeyOf(request, undefined),
      })
      return reply.code(201).send(showPlaced(toldIfReplayed(reply, placed)))
    },
  )
  app.post(
    '/mass-orders',
    writing(
      {
        operationId: 'placeMassOrder',
        summary: 'Order many services at once, each line answered for itself',
        description:
          'A line is `service|link|quantity`; without the quantity where the service fixes it. ' +
          'A line that is refused keeps no other from being ordered.',
        tag,
        scopes,
      },
      { body: MassOrderBody, answers: { 200: MassOrderShape } },
    ),
    async (request, reply) => {
      const lines = await placeMassOrder(desk, {
        actor: await buyerOf(desk.db, callerOf(request)),
        text: request.body.lines,
        idempotencyKey: idempotencyKeyOf(request, undefined),
      })
      return showMassOrder(deps, request, toldIfReplayed(reply, lines))
    },
  )
  app.post(
    '/orders/cancel',
    writing(
      {
        operationId: 'cancelOrders',
        summary: 'Cancel orders, each answered for itself',
        tag,
        scopes,
      },
      { body: Cancel, answers: { 200: Canceled } },
    ),
    async (request, reply) => {
      const canceled = await cancelOrders(deps.cancelling, {
        actor: callerOf(request),
        input: { orders: [...new Set(request.body.orders)] },
        idempotencyKey: idempotencyKeyOf(request, undefined),
      })
      const { results } = toldIfReplayed(reply, canceled)
      return {
        data: results.map(({ asked, refused }) => ({
          order: asked,
          is_canceled: refused === null,
          problem:
            refused === null
              ? null
              : problemOf(request, {
                  refusal: new Refusal(refused),
                  publicUrl: deps.publicUrl,
                }),
        })),
      }
    },
  )
}

function readRequest(body: Static<typeof NewOrder>): OrderRequest {
  return Object.fromEntries(Object.entries(body).map(([field, value]) => [field, String(value)]))
}
