import { Type } from 'typebox'
import { readEventFeed } from '../core/events/event-feed.ts'
import { LIMIT_DEFAULT } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, Instant, listOf, nullable, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading } from './schemas.ts'

const EventShape = Type.Object({
  cursor: Type.String({ description: 'As `after`, reading goes on behind this event' }),
  kind: Type.String({ examples: ['order.placed'] }),
  subject_id: Id,
  account_id: nullable(Id),
  actor_kind: Type.String({ examples: ['key'] }),
  actor_id: nullable(Id),
  data: nullable(Type.Record(Type.String(), Type.Unknown())),
  created_at: Instant,
})
const FEED_LIMIT_MAX = 1_000

/** Everything that happened, in an order that never changes. */
export function registerEvents(app: RestRoutes, deps: AdminDeps): void {
  app.get(
    '/events',
    {
      schema: reading(
        {
          operationId: 'readEvents',
          summary: 'What happened after a cursor, oldest first; none is ever passed over',
          tag: 'Events',
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
    },
    async ({ query }) => {
      const page = await readEventFeed(deps.funnel.database.db, {
        after: query.after ?? null,
        limit: query.limit ?? LIMIT_DEFAULT,
      })
      return {
        data: page.events.map((event) => ({
          cursor: event.cursor,
          kind: event.kind,
          subject_id: String(event.subjectId),
          account_id: event.accountId === null ? null : String(event.accountId),
          actor_kind: event.actorKind,
          actor_id: event.actorId === null ? null : String(event.actorId),
          data: event.data as Record<string, unknown> | null,
          created_at: event.createdAt.toISOString(),
        })),
        hasMore: page.hasMore,
        nextCursor: page.next,
      }
    },
  )
}
