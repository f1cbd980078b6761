import { type Static, Type } from 'typebox'
import { closeNotice } from '../core/notices/close-notice.ts'
import type { Notice } from '../core/notices/notice.ts'
import { listNotices, readNotice } from '../core/notices/notice-views.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Count,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NullableInstant,
  nullable,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const NoticeShape = Type.Object({
  id: Id,
  kind: Type.String({ examples: ['upstream.balance_low'] }),
  subject: Type.String({ description: 'What it is about' }),
  account_id: nullable(Id),
  data: Type.Unknown(),
  times: Count,
  created_at: Instant,
  updated_at: Instant,
  closed_at: NullableInstant,
})
const tag = 'Notices'

/** What operators have to see to. */
export function registerNotices(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/notices',
    {
      schema: reading(
        { operationId: 'listNotices', summary: 'What has to be seen to, newest first', tag },
        {
          querystring: listQuery({
            open: Type.Optional(Type.Boolean({ description: 'Left out: closed ones too' })),
            kind: Type.Optional(Type.String()),
          }),
          answer: listOf(NoticeShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('notices', query)
      const { open, kind } = query
      const rows = await listNotices(db, { before: from, limit: limit + 1, open, kind })
      return toPage('notices', { rows, limit, render: show })
    },
  )
  app.get(
    '/notices/:id',
    {
      schema: reading(
        { operationId: 'getNotice', summary: 'A notice', tag },
        { params: IdParams, answer: NoticeShape },
      ),
    },
    async ({ params }) => show(await readNotice(db, readId(params.id))),
  )
  app.post(
    '/notices/:id/close',
    {
      schema: writing(
        { operationId: 'closeNotice', summary: 'Say that a notice has been seen to', tag },
        { params: IdParams, answers: { 200: NoticeShape } },
      ),
    },
    async (request, reply) => {
      const input = { noticeId: readId(request.params.id) }
      return show(await write(deps, { request, reply, operation: closeNotice, input }))
    },
  )
}

function show(notice: Notice): Static<typeof NoticeShape> {
  return {
    id: notice.id,
    kind: notice.kind,
    subject: notice.subject,
    account_id: notice.accountId,
    data: notice.data,
    times: notice.times,
    created_at: notice.createdAt,
    updated_at: notice.updatedAt,
    closed_at: notice.closedAt,
  }
}
