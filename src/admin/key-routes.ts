import { type Static, Type } from 'typebox'
import { readAccount } from '../core/identity/account-views.ts'
import type { ApiKey } from '../core/identity/api-key.ts'
import { createApiKey } from '../core/identity/create-api-key.ts'
import { disableApiKey } from '../core/identity/disable-api-key.ts'
import { listKeys } from '../core/identity/key-views.ts'
import { updateApiKey } from '../core/identity/update-api-key.ts'
import { SCOPES } from '../core/scope.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NullableInstant,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { readPercent, SentPercent, showPercent } from './percent.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

export const KeyShape = Type.Object({
  id: Id,
  account_id: nullable(Id),
  operator_id: nullable(Id),
  name: Type.String(),
  prefix: Type.String({ description: 'The part of the key that stays visible' }),
  scopes: Type.Array(Type.String()),
  discount_percent: Type.Number(),
  legacy_errors: Type.Boolean({ description: 'Errors of the panels come with HTTP 200' }),
  disabled_at: NullableInstant,
  last_used_at: NullableInstant,
  created_at: Instant,
})
export const CreatedKeyShape = Type.Object({
  ...KeyShape.properties,
  key: Type.String({ description: 'Shown this once' }),
})
const Terms = {
  name: Type.String(),
  scopes: Type.Array(oneOf(SCOPES), { minItems: 1, maxItems: SCOPES.length }),
  discount_percent: Type.Optional(SentPercent),
  legacy_errors: Type.Optional(Type.Boolean()),
}
const NewKey = strictObject(Terms)
const KeyChanges = Type.Partial(NewKey, { additionalProperties: false })
const tag = 'API keys'

/** Keys of accounts; changing and disabling also those of operators. */
export function registerKeys(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/accounts/:id/api-keys',
    {
      schema: writing(
        { operationId: 'createApiKey', summary: 'Make a key for an account', tag },
        { params: IdParams, body: NewKey, answers: { 201: CreatedKeyShape } },
      ),
    },
    async (request, reply) => {
      const { name, scopes, discount_percent = 0, legacy_errors = false } = request.body
      const input = {
        accountId: readId(request.params.id),
        name,
        scopes,
        discountPpm: readPercent(discount_percent, '/discount_percent'),
        legacyErrors: legacy_errors,
      }
      const made = await write(deps, { request, reply, operation: createApiKey, input })
      return reply.code(201).send({ ...showKey(made), key: made.key })
    },
  )
  app.get(
    '/accounts/:id/api-keys',
    {
      schema: reading(
        { operationId: 'listApiKeys', summary: "An account's keys, newest first", tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(KeyShape) },
      ),
    },
    async ({ params, query }) => {
      const { limit, from } = readPage('api-keys', query)
      const accountId = readId(params.id)
      await readAccount(db, accountId)
      const rows = await listKeys(db, { accountId }, { before: from, limit: limit + 1 })
      return toPage('api-keys', { rows, limit, render: showKey })
    },
  )
  app.patch(
    '/api-keys/:id',
    {
      schema: writing(
        { operationId: 'updateApiKey', summary: "Change an account's key", tag },
        { params: IdParams, body: KeyChanges, answers: { 200: KeyShape } },
      ),
    },
    async (request, reply) => {
      const { name, scopes, discount_percent, legacy_errors } = request.body
      const input = {
        keyId: readId(request.params.id),
        name,
        scopes,
        discountPpm:
          discount_percent === undefined
            ? undefined
            : readPercent(discount_percent, '/discount_percent'),
        legacyErrors: legacy_errors,
      }
      return showKey(await write(deps, { request, reply, operation: updateApiKey, input }))
    },
  )
  app.delete(
    '/api-keys/:id',
    {
      schema: writing(
        { operationId: 'disableApiKey', summary: 'Disable a key for good', tag },
        { params: IdParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const input = { keyId: readId(request.params.id) }
      await write(deps, { request, reply, operation: disableApiKey, input })
      return reply.code(204).send(null)
    },
  )
}

/** How keys are shown: never with their secret. */
export function showKey(key: ApiKey): Static<typeof KeyShape> {
  return {
    id: key.id,
    account_id: key.accountId,
    operator_id: key.operatorId,
    name: key.name,
    prefix: key.prefix,
    scopes: [...key.scopes],
    discount_percent: showPercent(key.discountPpm),
    legacy_errors: key.legacyErrors,
    disabled_at: key.disabledAt,
    last_used_at: key.lastUsedAt,
    created_at: key.createdAt,
  }
}
