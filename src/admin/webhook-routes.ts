import { Type } from 'typebox'
import { createEndpoint } from '../core/webhooks/create-endpoint.ts'
import { ENDPOINT_STATES } from '../core/webhooks/webhook.ts'
import { listEndpoints } from '../core/webhooks/webhook-views.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, listOf, listQuery, oneOf, strictObject } from '../http/rest/shapes.ts'
import {
  EndpointShape,
  type EndpointSurface,
  EndpointWithSecret,
  registerEndpoint,
  showEndpoint,
  showWithSecret,
  WEBHOOKS_TAG as tag,
  url,
} from '../http/rest/webhook-routes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

/** Where accounts are told of their orders, and what was sent there. */
export function registerWebhooks(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  const { secrets, webhookNetworks: networks } = deps
  const surface: EndpointSurface = {
    db,
    secrets,
    networks,
    accountId: () => null,
    reading: ({ isSecret: _, ...text }, shapes) => ({ schema: reading(text, shapes) }),
    writing: (text, shapes) => ({ schema: writing(text, shapes) }),
    write: (o) => write(deps, o),
  }
  app.post(
    '/accounts/:id/webhook-endpoints',
    surface.writing(
      { operationId: 'createWebhookEndpoint', summary: 'Tell an account at one more address', tag },
      { params: IdParams, body: strictObject({ url }), answers: { 201: EndpointWithSecret } },
    ),
    async (request, reply) => {
      const input = { accountId: readId(request.params.id), url: request.body.url }
      const operation = createEndpoint({ secrets, networks })
      const endpoint = await write(deps, { request, reply, operation, input })
      return reply.code(201).send(await showWithSecret(surface, endpoint))
    },
  )
  app.get(
    '/webhook-endpoints',
    surface.reading(
      { operationId: 'listWebhookEndpoints', summary: 'List endpoints, newest first', tag },
      {
        querystring: listQuery({
          account_id: Type.Optional(Id),
          state: Type.Optional(oneOf(ENDPOINT_STATES)),
        }),
        answer: listOf(EndpointShape),
      },
    ),
    async ({ query }) => {
      const { limit, from } = readPage('webhook-endpoints', query)
      const { account_id, state } = query
      const accountId =
        account_id === undefined ? undefined : readIdField(account_id, '/account_id')
      const rows = await listEndpoints(db, { accountId, state, before: from, limit: limit + 1 })
      const render = ({ endpoint }: (typeof rows)[number]) => showEndpoint(endpoint)
      return toPage('webhook-endpoints', { rows, limit, render })
    },
  )
  registerEndpoint(app, surface)
}
