import { Type } from 'typebox'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { readOrderFeed } from '../core/webhooks/order-feed.ts'
import { callerOf } from '../http/rest/caller.ts'
import { LIMIT_DEFAULT } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Instant, listOf, strictObject } from '../http/rest/shapes.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { reading } from './schemas.ts'

const ChangeShape = Type.Object({
  order_id: Type.Integer(),
  status: Type.String({ examples: ['Completed'] }),
  remains: Type.Integer(),
  start_count: Type.Integer(),
  charge: Type.Number({ description: 'After what was given back', examples: [4.5] }),
})
const EventShape = Type.Object({
  id: Type.String({ description: 'The same as `webhook-id`', examples: ['evt_0_1487'] }),
  cursor: Type.String({ description: 'As `after`, reading goes on behind this event' }),
  created_at: Instant,
  data: ChangeShape,
})
const FEED_LIMIT_MAX = 1_000

/** What the account's orders became, for who would rather ask than be told. */
export function registerEvents(app: RestRoutes, deps: CustomerDeps): void {
  app.get(
    '/events',
    reading(
      {
        operationId: 'readOrderEvents',
        summary: 'What orders became after a cursor, oldest first; none is ever passed over',
        description: 'Each is what a webhook tells, under the same id.',
        tag: 'Events',
        scopes: ORDER_READERS,
      },
      {
        querystring: strictObject({
          after: Type.Optional(Type.String({ description: 'nextCursor of the page before' })),
          limit: Type.Optional(
            Type.Integer({ minimum: 1, maximum: FEED_LIMIT_MAX, default: LIMIT_DEFAULT }),
          ),
        }),
        answer: listOf(EventShape),
      },
    ),
    async (request) => {
      const { after, limit } = request.query
      const { items, hasMore, next } = await readOrderFeed(deps.funnel.database.db, {
        accountId: callerOf(request).accountId,
        after: after ?? null,
        limit: limit ?? LIMIT_DEFAULT,
      })
      return {
        data: items.map(({ id, cursor, createdAt, body }) => ({
          id,
          cursor,
          created_at: createdAt,
          data: JSON.parse(body),
        })),
        hasMore,
        nextCursor: next,
      }
    },
  )
}
