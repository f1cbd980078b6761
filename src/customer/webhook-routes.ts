import { Type } from 'typebox'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { createEndpoint } from '../core/webhooks/create-endpoint.ts'
import { ENDPOINT_STATES } from '../core/webhooks/webhook.ts'
import { listEndpoints } from '../core/webhooks/webhook-views.ts'
import { callerOf } from '../http/rest/caller.ts'
import { readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { listOf, listQuery, oneOf, strictObject } from '../http/rest/shapes.ts'
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
import type { CustomerDeps } from './customer-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const WRITERS = ['write:orders'] as const

/** Where the account is told of its orders, and what was sent there. */
export function registerWebhooks(app: RestRoutes, deps: CustomerDeps): void {
  const { db } = deps.funnel.database
  const { secrets, webhookNetworks: networks } = deps
  const surface: EndpointSurface = {
    db,
    secrets,
    networks,
    accountId: (request) => callerOf(request).accountId,
    reading: ({ isSecret, ...text }, shapes) =>
      reading({ ...text, scopes: isSecret ? WRITERS : ORDER_READERS }, shapes),
    writing: (text, shapes) => writing({ ...text, scopes: WRITERS }, shapes),
    write: (o) => write(deps, o),
  }
  app.post(
    '/webhook-endpoints',
    surface.writing(
      { operationId: 'createWebhookEndpoint', summary: 'Be told at one more address', tag },
      { body: strictObject({ url }), answers: { 201: EndpointWithSecret } },
    ),
    async (request, reply) => {
      const input = { accountId: callerOf(request).accountId, url: request.body.url }
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
        querystring: listQuery({ state: Type.Optional(oneOf(ENDPOINT_STATES)) }),
        answer: listOf(EndpointShape),
      },
    ),
    async (request) => {
      const { limit, from } = readPage('webhook-endpoints', request.query)
      const { accountId } = callerOf(request)
      const { state } = request.query
      const rows = await listEndpoints(db, { accountId, state, before: from, limit: limit + 1 })
      const render = ({ endpoint }: (typeof rows)[number]) => showEndpoint(endpoint)
      return toPage('webhook-endpoints', { rows, limit, render })
    },
  )
  registerEndpoint(app, surface)
}
