import { type Static, Type } from 'typebox'
import { monthlyName } from '../core/orders/order-name.ts'
import { REFILL_STATES } from '../core/orders/refills/refill.ts'
import { refillOrders } from '../core/orders/refills/refill-orders.ts'
import {
  findRefill,
  listRefills,
  listRefillWorks,
  type RefillView,
} from '../core/orders/refills/refill-views.ts'
import { setRefillState } from '../core/orders/refills/set-refill-state.ts'
import { Refusal } from '../core/refusal.ts'
import { toldIfReplayed } from '../http/idempotency-key.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
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

const RefillShape = Type.Object({
  id: Id,
  order_id: Id,
  order_public_id: Type.String({ examples: ['CR-202411-0001'] }),
  account_id: Id,
  state: oneOf(REFILL_STATES),
  created_at: Instant,
  updated_at: Instant,
  ended_at: NullableInstant,
})
const RefillWithWorks = Type.Object({
  ...RefillShape.properties,
  works: Type.Array(
    Type.Object({
      order_id: Id,
      provider: Type.String(),
      provider_order_ref: Type.String(),
      provider_refill_ref: nullable(Type.String()),
      state: oneOf(REFILL_STATES),
    }),
    { description: 'What each provider does for it: one for each delivery of the order' },
  ),
})
const RefillEnd = strictObject({ state: oneOf(['completed', 'rejected', 'error']) })
const EndedRefill = Type.Object({ id: Id, state: oneOf(REFILL_STATES) })
const tag = 'Refills'

/** What was lost since it was delivered, delivered again. */
export function registerRefills(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/refills',
    {
      schema: reading(
        { operationId: 'listRefills', summary: 'List refills, newest first', tag },
        {
          querystring: listQuery({
            order_id: Type.Optional(Id),
            account_id: Type.Optional(Id),
            state: Type.Optional(oneOf(REFILL_STATES)),
          }),
          answer: listOf(RefillShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('refills', query)
      const { order_id, account_id, state } = query
      const rows = await listRefills(db, {
        orderId: order_id === undefined ? undefined : readIdField(order_id, '/order_id'),
        accountId: account_id === undefined ? undefined : readIdField(account_id, '/account_id'),
        state,
        beforeId: from,
        limit: limit + 1,
      })
      return toPage('refills', { rows: rows.map(show), limit, render: (row) => row })
    },
  )
  app.get(
    '/refills/:id',
    {
      schema: reading(
        { operationId: 'getRefill', summary: 'A refill and what is done for it', tag },
        { params: IdParams, answer: RefillWithWorks },
      ),
    },
    async ({ params }) => {
      const refill = await findRefill(db, readId(params.id))
      const works = await listRefillWorks(db, refill.id)
      return {
        ...show(refill),
        works: works.map((work) => ({
          order_id: String(work.orderId),
          provider: work.provider,
          provider_order_ref: work.orderRef,
          provider_refill_ref: work.ref,
          state: work.state,
        })),
      }
    },
  )
  registerRefillWrites(app, deps)
}

function registerRefillWrites(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/orders/:id/refill',
    {
      schema: writing(
        { operationId: 'refillOrder', summary: "Refill a customer's order", tag },
        { params: IdParams, body: NoBody, answers: { 201: RefillShape } },
      ),
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key']
      const effect = await refillOrders(deps.refilling, {
        actor: callerOf(request).actor,
        input: { orders: [request.params.id] },
        idempotencyKey: key === undefined ? null : String(key),
      })
      const [result] = toldIfReplayed(reply, effect).results
      if (result === undefined) throw new Error('a refill that was asked for has no answer')
      if (result.refused !== null) {
        throw new Refusal(result.refused, result.detail === null ? {} : { detail: result.detail })
      }
      const refill = await findRefill(deps.funnel.database.db, BigInt(result.refillId))
      return reply.code(201).send(show(refill))
    },
  )
  app.post(
    '/refills/:id/state',
    {
      schema: writing(
        { operationId: 'setRefillState', summary: 'Say how a refill has ended', tag },
        { params: IdParams, body: RefillEnd, answers: { 200: EndedRefill } },
      ),
    },
    async (request, reply) => {
      const input = { refillId: readId(request.params.id), state: request.body.state }
      return await write(deps, { request, reply, operation: setRefillState, input })
    },
  )
}

function show(refill: RefillView): Static<typeof RefillShape> {
  return {
    id: String(refill.id),
    order_id: String(refill.orderId),
    order_public_id: monthlyName(refill.orderId, refill.orderCreatedAt),
    account_id: String(refill.accountId),
    state: refill.state,
    created_at: refill.createdAt.toISOString(),
    updated_at: refill.updatedAt.toISOString(),
    ended_at: refill.endedAt?.toISOString() ?? null,
  }
}
