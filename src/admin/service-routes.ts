import { type Static, Type } from 'typebox'
import { listServices, readService } from '../core/catalogue/catalogue-views.ts'
import { createService } from '../core/catalogue/create-service.ts'
import { QUANTITY_MAX, SERVICE_STATES, type Service } from '../core/catalogue/service.ts'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { removeServicePrice, setServicePrice } from '../core/catalogue/set-service-price.ts'
import { updateService } from '../core/catalogue/update-service.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Amount,
  Id,
  IdParams,
  Instant,
  listOf,
  listQuery,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import { formatAmount } from '../lib/money.ts'
import type { AdminDeps } from './admin-deps.ts'
import { Position } from './category-routes.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const Quantity = Type.Integer({ minimum: 1, maximum: QUANTITY_MAX })
const Rate = Type.String({ description: 'For 1000, up to six decimals', examples: ['0.90'] })
const Price = strictObject({ currency: Type.String(), rate: Rate })
const Terms = {
  category_id: Id,
  name: Type.String(),
  description: Type.Optional(Type.String()),
  position: Type.Optional(Position),
  min_quantity: Quantity,
  max_quantity: Quantity,
  package_quantity: Type.Optional(nullable(Quantity)),
  can_refill: Type.Optional(Type.Boolean()),
  can_cancel: Type.Optional(Type.Boolean()),
  can_dripfeed: Type.Optional(Type.Boolean()),
  provider: Type.Optional(Type.String({ description: 'Who delivers', default: 'simulated' })),
}
const NewService = strictObject({
  type: oneOf(SERVICE_TYPES),
  ...Terms,
  prices: Type.Optional(Type.Array(Price, { maxItems: 200 })),
})
const ServiceChanges = Type.Partial(strictObject({ ...Terms, state: oneOf(SERVICE_STATES) }), {
  additionalProperties: false,
})
const ServiceShape = Type.Object({
  id: Id,
  category_id: Id,
  name: Type.String(),
  description: Type.String(),
  type: oneOf(SERVICE_TYPES),
  state: oneOf(SERVICE_STATES),
  position: Position,
  min_quantity: Quantity,
  max_quantity: Quantity,
  package_quantity: nullable(Quantity),
  can_refill: Type.Boolean(),
  can_cancel: Type.Boolean(),
  can_dripfeed: Type.Boolean(),
  provider: Type.String(),
  prices: Type.Array(Type.Object({ currency: Type.String(), rate: Amount })),
  created_at: Instant,
  updated_at: Instant,
})
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
        { body: NewService, answers: { 201: ServiceShape } },
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
        provider: body.provider ?? 'simulated',
        prices: body.prices ?? [],
      }
      const service = await write(deps, { request, reply, operation: add, input })
      return reply.code(201).send(show(service))
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
      return toPage('services', { rows, limit, render: show })
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
    async ({ params }) => show(await readService(db, readId(params.id))),
  )
  app.patch(
    '/services/:id',
    {
      schema: writing(
        { operationId: 'updateService', summary: 'Change, pause or resume a service', tag },
        { params: IdParams, body: ServiceChanges, answers: { 200: ServiceShape } },
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
        provider: body.provider,
      }
      return show(await write(deps, { request, reply, operation: change, input }))
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
          body: strictObject({ rate: Rate }),
          answers: { 200: ServiceShape },
        },
      ),
    },
    async (request, reply) => {
      const { id, currency } = request.params
      const input = { serviceId: readId(id), currency, rate: request.body.rate }
      return show(await write(deps, { request, reply, operation: setServicePrice, input }))
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

function show(service: Service): Static<typeof ServiceShape> {
  return {
    id: service.id,
    category_id: service.categoryId,
    name: service.name,
    description: service.description,
    type: service.type,
    state: service.state,
    position: service.position,
    min_quantity: service.minQuantity,
    max_quantity: service.maxQuantity,
    package_quantity: service.packageQuantity,
    can_refill: service.canRefill,
    can_cancel: service.canCancel,
    can_dripfeed: service.canDripfeed,
    provider: service.provider,
    prices: service.prices.map(({ currency, rateMicros }) => ({
      currency,
      rate: formatAmount(BigInt(rateMicros), 2),
    })),
    created_at: service.createdAt,
    updated_at: service.updatedAt,
  }
}
