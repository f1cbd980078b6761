import { Type } from 'typebox'
import { listCategories } from '../core/catalogue/catalogue-views.ts'
import { createCategory } from '../core/catalogue/create-category.ts'
import { updateCategory } from '../core/catalogue/update-category.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, listOf, listQuery, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

export const Position = Type.Integer({ minimum: -1_000_000, maximum: 1_000_000 })
const CategoryShape = Type.Object({ id: Id, name: Type.String(), position: Position })
const NewCategory = strictObject({ name: Type.String(), position: Type.Optional(Position) })
const CategoryChanges = Type.Partial(NewCategory, { additionalProperties: false })
const tag = 'Catalogue'

/** The categories by which services are listed. */
export function registerCategories(app: RestRoutes, deps: AdminDeps): void {
  app.post(
    '/categories',
    {
      schema: writing(
        { operationId: 'createCategory', summary: 'Add a category', tag },
        { body: NewCategory, answers: { 201: CategoryShape } },
      ),
    },
    async (request, reply) => {
      const { name, position = 0 } = request.body
      const input = { name, position }
      return reply
        .code(201)
        .send(await write(deps, { request, reply, operation: createCategory, input }))
    },
  )
  app.get(
    '/categories',
    {
      schema: reading(
        { operationId: 'listCategories', summary: 'List categories', tag },
        { querystring: listQuery({}), answer: listOf(CategoryShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('categories', query)
      const rows = await listCategories(deps.funnel.database.db, { after: from, limit: limit + 1 })
      return toPage('categories', { rows, limit, render: (category) => category })
    },
  )
  app.patch(
    '/categories/:id',
    {
      schema: writing(
        { operationId: 'updateCategory', summary: 'Change a category', tag },
        { params: IdParams, body: CategoryChanges, answers: { 200: CategoryShape } },
      ),
    },
    async (request, reply) => {
      const input = { categoryId: readId(request.params.id), ...request.body }
      return await write(deps, { request, reply, operation: updateCategory, input })
    },
  )
}
