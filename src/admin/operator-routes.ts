import { type Static, Type } from 'typebox'
import { createOperator } from '../core/identity/create-operator.ts'
import { createOperatorKey } from '../core/identity/create-operator-key.ts'
import { disableOperator } from '../core/identity/disable-operator.ts'
import { listKeys } from '../core/identity/key-views.ts'
import type { Operator } from '../core/identity/operator.ts'
import { listOperators, readOperator } from '../core/identity/operator-views.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  NoBody,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { CreatedKeyShape, KeyShape, showKey } from './key-routes.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

export const OperatorShape = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  state: oneOf(['active', 'disabled']),
  created_at: Instant,
})
const NewOperator = strictObject({
  email: Type.String(),
  name: Type.String(),
  password: Type.String({ description: '10 to 200 characters' }),
})
const tag = 'Operators'

/** Who runs the installation. Their keys are disabled like any other. */
export function registerOperators(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/operators',
    {
      schema: writing(
        { operationId: 'createOperator', summary: 'Add an operator', tag },
        { body: NewOperator, answers: { 201: OperatorShape } },
      ),
    },
    async (request, reply) => {
      const input = request.body
      const operator = await write(deps, { request, reply, operation: createOperator, input })
      return reply.code(201).send(showOperator(operator))
    },
  )
  app.get(
    '/operators',
    {
      schema: reading(
        { operationId: 'listOperators', summary: 'List operators, newest first', tag },
        { querystring: listQuery({}), answer: listOf(OperatorShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('operators', query)
      const rows = await listOperators(db, { before: from, limit: limit + 1 })
      return toPage('operators', { rows, limit, render: showOperator })
    },
  )
  app.post(
    '/operators/:id/disable',
    {
      schema: writing(
        { operationId: 'disableOperator', summary: "Stop an operator's keys and sessions", tag },
        { params: IdParams, body: NoBody, answers: { 200: OperatorShape } },
      ),
    },
    async (request, reply) => {
      const input = { operatorId: readId(request.params.id) }
      return showOperator(await write(deps, { request, reply, operation: disableOperator, input }))
    },
  )
  app.post(
    '/operators/:id/api-keys',
    {
      schema: writing(
        { operationId: 'createOperatorKey', summary: 'Make a key for the operator API', tag },
        {
          params: IdParams,
          body: strictObject({ name: Type.String() }),
          answers: { 201: CreatedKeyShape },
        },
      ),
    },
    async (request, reply) => {
      const input = { operatorId: readId(request.params.id), name: request.body.name }
      const made = await write(deps, { request, reply, operation: createOperatorKey, input })
      return reply.code(201).send({ ...showKey(made), key: made.key })
    },
  )
  app.get(
    '/operators/:id/api-keys',
    {
      schema: reading(
        { operationId: 'listOperatorKeys', summary: "An operator's keys, newest first", tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(KeyShape) },
      ),
    },
    async ({ params, query }) => {
      const { limit, from } = readPage('operator-keys', query)
      const operatorId = readId(params.id)
      await readOperator(db, operatorId)
      const rows = await listKeys(db, { operatorId }, { before: from, limit: limit + 1 })
      return toPage('operator-keys', { rows, limit, render: showKey })
    },
  )
}

export function showOperator(operator: Operator): Static<typeof OperatorShape> {
  return {
    id: operator.id,
    email: operator.email,
    name: operator.name,
    state: operator.state,
    created_at: operator.createdAt,
  }
}
