import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import type { Operation } from '../../core/operation.ts'
import type { SecretBox } from '../../core/secret-box.ts'
import {
  disableEndpoint,
  enableEndpoint,
  moveEndpoint,
  removeEndpoint,
  rotateSecret,
} from '../../core/webhooks/change-endpoint.ts'
import { replayEvents } from '../../core/webhooks/replay-events.ts'
import { sendTest } from '../../core/webhooks/send-test.ts'
import {
  DISABLED_BECAUSE,
  ENDPOINT_STATES,
  type Endpoint,
  MESSAGE_STATES,
  type Message,
} from '../../core/webhooks/webhook.ts'
import { openWebhookSecret } from '../../core/webhooks/webhook-secret.ts'
import { listMessages, readEndpoint, toEndpoint } from '../../core/webhooks/webhook-views.ts'
import type { Db } from '../../db/database.ts'
import { readInstant } from './instant-field.ts'
import { readIdField, readPage, toPage } from './paging.ts'
import type { RestRoutes } from './rest-routes.ts'
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
} from './shapes.ts'

export const EndpointShape = Type.Object({
  id: Type.String({ format: 'uuid' }),
  account_id: Id,
  url: Type.String(),
  is_main: Type.Boolean({ description: "Whether it is the account's own field" }),
  state: oneOf(ENDPOINT_STATES),
  disabled_because: nullable(oneOf(DISABLED_BECAUSE)),
  failing_since: NullableInstant,
  secret_rotated_at: NullableInstant,
  created_at: Instant,
  updated_at: Instant,
})
const secret = Type.String({
  description: 'Signs what is sent, as Standard Webhooks says',
  examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
})
export const EndpointWithSecret = Type.Object({ ...EndpointShape.properties, secret })

export const url = Type.String({ description: 'https:// or http://, a public address' })

const MessageShape = Type.Object({
  id: Id,
  event_id: Type.String({ examples: ['evt_0_1487'] }),
  order_id: nullable(Id),
  body: Type.String({ description: 'As it is sent' }),
  state: oneOf(MESSAGE_STATES),
  attempts: Count,
  next_at: NullableInstant,
  last_status: nullable(Type.Integer({ description: 'Of the last answer' })),
  last_error: nullable(Type.String({ description: 'Why there was none' })),
  is_replay: Type.Boolean(),
  created_at: Instant,
  ended_at: NullableInstant,
})
const Replay = Type.Partial(
  strictObject({
    since: Type.String({ format: 'date-time', description: 'Left out: from the first event' }),
    after: Type.String({ description: '`next` of the replay before, to go on' }),
  }),
  { additionalProperties: false },
)
const Replayed = Type.Object({ queued: Count, next: nullable(Type.String()) })

interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly tag: string
}

/** How a surface describes its routes, knows who asks, and writes. */
export interface EndpointSurface {
  readonly db: Db
  readonly secrets: SecretBox
  /** Where messages may go although they are not public. */
  readonly networks: readonly string[]
  /** Whose endpoints alone the caller may name; null: anybody's. */
  accountId(request: FastifyRequest): bigint | null
  /** The options of a route that reads; a secret is for who may write alone. */
  reading<const T extends Record<string, unknown>, R extends TSchema>(
    text: RouteText & { readonly isSecret?: boolean },
    shapes: T & { readonly answer: R },
  ): { schema: Omit<T & { readonly answer: R }, 'answer'> & { response: { 200: R } } }
  /** The options of a route that writes. */
  writing<const T extends Record<string, unknown>, const R extends Record<number, TSchema>>(
    text: RouteText,
    shapes: T & { readonly answers: R },
  ): { schema: Omit<T & { readonly answers: R }, 'answers'> & { response: R } }
  write<Input, Output>(o: {
    request: FastifyRequest
    reply: FastifyReply
    operation: Operation<Input, Output>
    input: Input
  }): Promise<Output>
}

export const WEBHOOKS_TAG = 'Webhooks'
const tag = WEBHOOKS_TAG

/** What is done to one endpoint, the same on every surface. */
export function registerEndpoint(app: RestRoutes, surface: EndpointSurface): void {
  const { db } = surface
  const nameOf = (request: FastifyRequest<{ Params: { id: string } }>) => ({
    endpointId: request.params.id,
    accountId: surface.accountId(request),
  })
  app.get(
    '/webhook-endpoints/:id',
    surface.reading(
      { operationId: 'getWebhookEndpoint', summary: 'An endpoint', tag },
      { params: IdParams, answer: EndpointShape },
    ),
    async (request) => showEndpoint(toEndpoint(await readEndpoint(db, nameOf(request)))),
  )
  app.get(
    '/webhook-endpoints/:id/secret',
    surface.reading(
      {
        operationId: 'getWebhookSecret',
        summary: 'The secret that signs what is sent to an endpoint',
        tag,
        isSecret: true,
      },
      { params: IdParams, answer: Type.Object({ secret }) },
    ),
    async (request) => ({ secret: await readSecret(surface, nameOf(request)) }),
  )
  app.get(
    '/webhook-endpoints/:id/messages',
    surface.reading(
      { operationId: 'listWebhookMessages', summary: 'What was sent, newest first', tag },
      {
        params: IdParams,
        querystring: listQuery({
          state: Type.Optional(oneOf(MESSAGE_STATES)),
          order_id: Type.Optional(Id),
        }),
        answer: listOf(MessageShape),
      },
    ),
    async (request) => {
      const { state, order_id } = request.query
      const { limit, from } = readPage('webhook-messages', request.query)
      const orderId = order_id === undefined ? undefined : readIdField(order_id, '/order_id')
      const name = nameOf(request)
      const rows = await listMessages(db, { name, state, orderId, before: from, limit: limit + 1 })
      return toPage('webhook-messages', { rows, limit, render: showMessage })
    },
  )
  app.patch(
    '/webhook-endpoints/:id',
    surface.writing(
      { operationId: 'moveWebhookEndpoint', summary: 'Send to another address', tag },
      { params: IdParams, body: strictObject({ url }), answers: { 200: EndpointShape } },
    ),
    async (request, reply) => {
      const input = { endpointId: request.params.id, url: request.body.url }
      const operation = moveEndpoint(surface.networks)
      return showEndpoint(await surface.write({ request, reply, operation, input }))
    },
  )
  app.delete(
    '/webhook-endpoints/:id',
    surface.writing(
      { operationId: 'removeWebhookEndpoint', summary: 'Forget an endpoint', tag },
      { params: IdParams, answers: { 200: EndpointShape } },
    ),
    async (request, reply) => {
      const input = { endpointId: request.params.id }
      const operation = removeEndpoint
      return showEndpoint(await surface.write({ request, reply, operation, input }))
    },
  )
  registerVerbs(app, surface)
}

function registerVerbs(app: RestRoutes, surface: EndpointSurface): void {
  for (const [verb, summary, operation] of [
    ['disable', 'Send nothing there any more', disableEndpoint],
    ['enable', 'Send there again what happens from now on', enableEndpoint],
  ] as const) {
    app.post(
      `/webhook-endpoints/:id/${verb}`,
      surface.writing(
        { operationId: `${verb}WebhookEndpoint`, summary, tag },
        { params: IdParams, body: NoBody, answers: { 200: EndpointShape } },
      ),
      async (request, reply) => {
        const input = { endpointId: request.params.id }
        return showEndpoint(await surface.write({ request, reply, operation, input }))
      },
    )
  }
  app.post(
    '/webhook-endpoints/:id/rotate-secret',
    surface.writing(
      {
        operationId: 'rotateWebhookSecret',
        summary: 'Sign with a new secret; the one before signs, too, for a day',
        tag,
      },
      { params: IdParams, body: NoBody, answers: { 200: EndpointWithSecret } },
    ),
    async (request, reply) => {
      const operation = rotateSecret(surface.secrets)
      const input = { endpointId: request.params.id }
      return showWithSecret(surface, await surface.write({ request, reply, operation, input }))
    },
  )
  app.post(
    '/webhook-endpoints/:id/test',
    surface.writing(
      {
        operationId: 'testWebhookEndpoint',
        summary: 'Send a message of order 0, once; see the messages for what came of it',
        tag,
      },
      {
        params: IdParams,
        body: NoBody,
        answers: { 202: Type.Object({ event_id: Type.String() }) },
      },
    ),
    async (request, reply) => {
      const input = { endpointId: request.params.id }
      const { eventId } = await surface.write({ request, reply, operation: sendTest, input })
      return reply.code(202).send({ event_id: eventId })
    },
  )
  app.post(
    '/webhook-endpoints/:id/replay',
    surface.writing(
      {
        operationId: 'replayWebhookEvents',
        summary:
          'Send again what orders became since a moment; go on with `next` where there is one',
        tag,
      },
      { params: IdParams, body: Replay, answers: { 202: Replayed } },
    ),
    async (request, reply) => {
      const { since, after } = request.body
      const input = {
        endpointId: request.params.id,
        since: since === undefined ? null : readInstant(since, '/since'),
        after: after ?? null,
      }
      const replayed = await surface.write({ request, reply, operation: replayEvents, input })
      return reply.code(202).send(replayed)
    },
  )
}

/** The secret is read anew each time: it is never kept with an answer. */
export async function showWithSecret(
  surface: Pick<EndpointSurface, 'db' | 'secrets'>,
  endpoint: Endpoint,
): Promise<Static<typeof EndpointWithSecret>> {
  const name = { endpointId: endpoint.id, accountId: null }
  return { ...showEndpoint(endpoint), secret: await readSecret(surface, name) }
}

async function readSecret(
  { db, secrets }: Pick<EndpointSurface, 'db' | 'secrets'>,
  name: Parameters<typeof readEndpoint>[1],
): Promise<string> {
  return openWebhookSecret(secrets, (await readEndpoint(db, name)).secret)
}

export function showEndpoint(endpoint: Endpoint): Static<typeof EndpointShape> {
  return {
    id: endpoint.id,
    account_id: endpoint.accountId,
    url: endpoint.url,
    is_main: endpoint.isMain,
    state: endpoint.state,
    disabled_because: endpoint.disabledBecause,
    failing_since: endpoint.failingSince,
    secret_rotated_at: endpoint.rotatedAt,
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
  }
}

function showMessage(message: Message): Static<typeof MessageShape> {
  return {
    id: message.id,
    event_id: message.eventId,
    order_id: message.orderId,
    body: message.body,
    state: message.state,
    attempts: message.attempts,
    next_at: message.nextAt,
    last_status: message.lastStatus,
    last_error: message.lastError,
    is_replay: message.isReplay,
    created_at: message.createdAt,
    ended_at: message.endedAt,
  }
}
