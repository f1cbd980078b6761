import { Type } from 'typebox'
import { listServices, readService } from '../core/catalogue/catalogue-views.ts'
import { createService } from '../core/catalogue/create-service.ts'
import { SERVICE_STATES } from '../core/catalogue/service.ts'
import { removeServicePrice, setServicePrice } from '../core/catalogue/set-service-price.ts'
import { updateService } from '../core/catalogue/update-service.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { IdParams, listOf, listQuery, oneOf, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { reading, writing } from './schemas.ts'
import {
  MinCharge,
  NewServiceBody,
  Rate,
  readRules,
  ServiceChangesBody,
  ServiceShape,
  showService,
} from './service-shape.ts'
import { write } from './write.ts'

const PriceParams = strictObject({ id: Type.String(), currency: Type.String() })
const tag = 'Catalogue'

/** What is sold by order. */
export function registerServices(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  const add = createService(deps.providers.delivery)
  const change = updateService(deps.providers.delivery)
  app.post(
    '/services',
    {
      schema: writing(
        { operationId: 'createService', summary: 'Add a service', tag },
        { body: NewServiceBody, answers: { 201: ServiceShape } },
      ),
    },
    async (request, reply) => {
      const { body } = request
      const input = {
        categoryId: readIdField(body.category_id, '/category_id'),
        name: body.name,
        description: body.description ?? '',
        type: body.type,
        position: body.position ?? 0,
        minQuantity: body.min_quantity,
        maxQuantity: body.max_quantity,
        packageQuantity: body.package_quantity ?? null,
        canRefill: body.can_refill ?? false,
        canCancel: body.can_cancel ?? true,
        canDripfeed: body.can_dripfeed ?? false,
        ...readRules(body),
        provider: body.provider ?? 'simulated',
        prices: (body.prices ?? []).map(({ min_charge: minCharge, ...price }) => ({
          ...price,
          minCharge,
        })),
      }
      const service = await write(deps, { request, reply, operation: add, input })
      return reply.code(201).send(showService(service))
    },
  )
  app.get(
    '/services',
    {
      schema: reading(
        { operationId: 'listServices', summary: 'List services, paused ones too', tag },
        {
          querystring: listQuery({ state: Type.Optional(oneOf(SERVICE_STATES)) }),
          answer: listOf(ServiceShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('services', query)
      const rows = await listServices(db, { state: query.state, after: from, limit: limit + 1 })
      return toPage('services', { rows, limit, render: showService })
    },
  )
  app.get(
    '/services/:id',
    {
      schema: reading(
        { operationId: 'getService', summary: 'A service with its prices', tag },
        { params: IdParams, answer: ServiceShape },
      ),
    },
    async ({ params }) => showService(await readService(db, readId(params.id))),
  )
  app.patch(
    '/services/:id',
    {
      schema: writing(
        { operationId: 'updateService', summary: 'Change, pause or resume a service', tag },
        { params: IdParams, body: ServiceChangesBody, answers: { 200: ServiceShape } },
      ),
    },
    async (request, reply) => {
      const { body } = request
      const input = {
        serviceId: readId(request.params.id),
        categoryId:
          body.category_id === undefined
            ? undefined
            : readIdField(body.category_id, '/category_id'),
        name: body.name,
        description: body.description,
        state: body.state,
        position: body.position,
        minQuantity: body.min_quantity,
        maxQuantity: body.max_quantity,
        packageQuantity: body.package_quantity,
        canRefill: body.can_refill,
        canCancel: body.can_cancel,
        canDripfeed: body.can_dripfeed,
        ...readRules(body),
      }
      return showService(await write(deps, { request, reply, operation: change, input }))
    },
  )
  registerPrices(app, deps)
}

function registerPrices(app: RestRoutes, deps: AdminDeps): void {
  app.put(
    '/services/:id/prices/:currency',
    {
      schema: writing(
        { operationId: 'setServicePrice', summary: 'Sell a service in a currency', tag },
        {
          params: PriceParams,
          body: strictObject({ rate: Rate, min_charge: MinCharge }),
          answers: { 200: ServiceShape },
        },
      ),
    },
    async (request, reply) => {
      const { id, currency } = request.params
      const { rate, min_charge: minCharge } = request.body
      const input = { serviceId: readId(id), currency, rate, minCharge }
      return showService(await write(deps, { request, reply, operation: setServicePrice, input }))
    },
  )
  app.delete(
    '/services/:id/prices/:currency',
    {
      schema: writing(
        { operationId: 'removeServicePrice', summary: 'Stop selling in a currency', tag },
        { params: PriceParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const { id, currency } = request.params
      const input = { serviceId: readId(id), currency }
      await write(deps, { request, reply, operation: removeServicePrice, input })
      return reply.code(204).send(null)
    },
  )
}
