import { Type } from 'typebox'
import { parseOrderName } from '../core/orders/order-name.ts'
import { Refusal } from '../core/refusal.ts'
import { setSimulatedPower } from '../drivers/compute/simulated-compute.ts'
import { setSimulatedOutcome } from '../drivers/delivery/simulated-delivery.ts'
import { addSimulatedPosts } from '../drivers/delivery/simulated-posts.ts'
import {
  SIMULATED_REFILL_OUTCOMES,
  setSimulatedRefill,
} from '../drivers/delivery/simulated-refills.ts'
import {
  SIMULATED_FAULTS,
  SIMULATED_OPERATIONS,
  setSimulatedFault,
} from '../drivers/simulated-faults.ts'
import { readId } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, oneOf, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { writing } from './schemas.ts'

const Fault = {
  operation: oneOf(SIMULATED_OPERATIONS),
  fault: oneOf(SIMULATED_FAULTS),
  times: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
}
const Outcome = {
  outcome: oneOf(['completed', 'partial', 'failed', 'canceled']),
  delivered: Type.Optional(
    Type.Integer({ minimum: 0, description: 'What will have been delivered by then' }),
  ),
}
const RefillOutcome = { outcome: oneOf(SIMULATED_REFILL_OUTCOMES) }
const Power = { power: oneOf(['running', 'stopped']) }
const Posts = {
  username: Type.String({ minLength: 1 }),
  links: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000 }),
  posted_at: Type.Optional(Type.String({ format: 'date-time', description: 'Left out: now' })),
}
const tag = 'Testing'

/** What the simulated drivers are told to do. It is their world that changes, not the shop's. */
export function registerSimulated(app: RestRoutes, deps: AdminDeps): void {
  const { database, clock } = deps.funnel
  app.put(
    '/drivers/simulated/faults',
    {
      schema: writing(
        { operationId: 'setSimulatedFault', summary: 'Make the next askings fail', tag },
        { body: strictObject(Fault), answers: { 200: Type.Object(Fault) } },
      ),
    },
    async ({ body }) => {
      await setSimulatedFault(database.pool, body)
      return body
    },
  )
  app.put(
    '/drivers/simulated/deliveries/:orderId',
    {
      schema: writing(
        { operationId: 'setSimulatedOutcome', summary: 'End a simulated delivery', tag },
        {
          params: strictObject({ orderId: Type.String() }),
          body: strictObject(Outcome),
          answers: {
            200: Type.Object({ order_id: Id, outcome: Outcome.outcome }),
          },
        },
      ),
    },
    async ({ params, body }) => {
      const orderId = parseOrderName(params.orderId)?.id
      if (orderId === undefined) throw new Refusal('order_not_found')
      const end = { outcome: body.outcome, delivered: BigInt(body.delivered ?? 0) }
      const world = { pool: database.pool, clock }
      if (!(await setSimulatedOutcome(world, orderId, end))) {
        throw new Refusal('order_not_found', {
          detail: 'The simulated provider has no such order, or not yet.',
        })
      }
      return { order_id: String(orderId), outcome: body.outcome }
    },
  )
  app.put(
    '/drivers/simulated/refills/:id',
    {
      schema: writing(
        { operationId: 'setSimulatedRefill', summary: 'End a simulated refill', tag },
        {
          params: IdParams,
          body: strictObject(RefillOutcome),
          answers: { 200: Type.Object({ refill_id: Id, ...RefillOutcome }) },
        },
      ),
    },
    async ({ params, body: { outcome } }) => {
      const refillId = readId(params.id)
      if (!(await setSimulatedRefill({ pool: database.pool, clock }, refillId, outcome))) {
        throw new Refusal('refill_not_found')
      }
      return { refill_id: String(refillId), outcome }
    },
  )
  app.put(
    '/drivers/simulated/servers/:id',
    {
      schema: writing(
        { operationId: 'setSimulatedPower', summary: 'Switch a simulated server on or off', tag },
        {
          params: IdParams,
          body: strictObject(Power),
          answers: { 200: Type.Object({ server_id: Id, ...Power }) },
        },
      ),
    },
    async ({ params, body: { power } }) => {
      const { id, provider, providerRef } = await deps.servers.one(null, params.id)
      if (provider !== 'simulated') throw new Refusal('not_found')
      await setSimulatedPower({ pool: database.pool, clock }, providerRef, power)
      return { server_id: String(id), power }
    },
  )
  registerSimulatedPosts(app, deps)
}

function registerSimulatedPosts(app: RestRoutes, deps: AdminDeps): void {
  const { database, clock } = deps.funnel
  app.put(
    '/drivers/simulated/posts',
    {
      schema: writing(
        {
          operationId: 'addSimulatedPosts',
          summary: 'Have a user post links that were not posted yet',
          tag,
        },
        {
          body: strictObject(Posts),
          answers: { 200: Type.Object({ username: Type.String(), added: Type.Integer() }) },
        },
      ),
    },
    async ({ body: { username, links, posted_at } }) => {
      const world = { pool: database.pool, clock }
      const postedAt = posted_at === undefined ? clock.now() : new Date(posted_at)
      return { username, added: await addSimulatedPosts(world, { username, links, postedAt }) }
    },
  )
}
