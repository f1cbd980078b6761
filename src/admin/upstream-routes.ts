import { Type } from 'typebox'
import { createUpstream } from '../core/upstreams/create-upstream.ts'
import { IMPORT_MAX, importServices, SKIP_REASONS } from '../core/upstreams/import-services.ts'
import { listOffers } from '../core/upstreams/offer-views.ts'
import {
  removeCategoryMargin,
  setCategoryMargin,
  updateUpstream,
} from '../core/upstreams/update-upstream.ts'
import { listUpstreams, readUpstream } from '../core/upstreams/upstream-views.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  listOf,
  listQuery,
  nullable,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { readPercent } from './percent.ts'
import { reading, writing } from './schemas.ts'
import {
  NewUpstream,
  OfferShape,
  readNewTerms,
  readTerms,
  SentMargin,
  showOffer,
  showUpstream,
  UpstreamChanges,
  UpstreamShape,
} from './upstream-shape.ts'
import { write } from './write.ts'

const Import = strictObject({
  services: Type.Array(Type.String(), {
    minItems: 1,
    maxItems: IMPORT_MAX,
    description: "The upstream's names of what is to be sold here",
  }),
  category_id: Type.Optional(
    nullable(
      Type.String({ description: 'Left out: in categories that are named as at the upstream' }),
    ),
  ),
})
const Imported = Type.Object({
  imported: Type.Array(Type.Object({ upstream_service: Type.String(), service_id: Id })),
  skipped: Type.Array(
    Type.Object({ upstream_service: Type.String(), reason: oneOf(SKIP_REASONS) }),
  ),
})
const MarginParams = strictObject({ id: Type.String(), categoryId: Type.String() })
const tag = 'Upstreams'

/** Other panels that deliver what is sold here. */
export function registerUpstreams(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  const { secrets, upstreams } = deps
  const connect = createUpstream({ secrets, builtIn: upstreams.builtIn })
  const change = updateUpstream(secrets)
  app.post(
    '/upstreams',
    {
      schema: writing(
        { operationId: 'createUpstream', summary: 'Connect another panel', tag },
        { body: NewUpstream, answers: { 201: UpstreamShape } },
      ),
    },
    async (request, reply) => {
      const { name, api_key: apiKey } = request.body
      const input = { ...readNewTerms(request.body), name, apiKey }
      const upstream = await write(deps, { request, reply, operation: connect, input })
      await upstreams.refresh().catch(() => {})
      return reply.code(201).send(showUpstream(upstream))
    },
  )
  app.get(
    '/upstreams',
    {
      schema: reading(
        { operationId: 'listUpstreams', summary: 'List upstreams', tag },
        { querystring: listQuery({}), answer: listOf(UpstreamShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('upstreams', query)
      const rows = await listUpstreams(db, { after: from, limit: limit + 1 })
      return toPage('upstreams', { rows, limit, render: showUpstream })
    },
  )
  app.get(
    '/upstreams/:id',
    {
      schema: reading(
        { operationId: 'getUpstream', summary: 'An upstream and how it stands', tag },
        { params: IdParams, answer: UpstreamShape },
      ),
    },
    async ({ params }) => showUpstream(await readUpstream(db, readId(params.id))),
  )
  app.patch(
    '/upstreams/:id',
    {
      schema: writing(
        { operationId: 'updateUpstream', summary: 'Change, pause or resume an upstream', tag },
        { params: IdParams, body: UpstreamChanges, answers: { 200: UpstreamShape } },
      ),
    },
    async (request, reply) => {
      const { api_key: apiKey, state } = request.body
      const upstreamId = readId(request.params.id)
      const input = { ...readTerms(request.body), upstreamId, apiKey, state }
      const upstream = await write(deps, { request, reply, operation: change, input })
      await upstreams.refresh().catch(() => {})
      return showUpstream(upstream)
    },
  )
  registerOffers(app, deps)
  registerMargins(app, deps)
}

function registerOffers(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  const bring = importServices(deps.providers.delivery)
  app.get(
    '/upstreams/:id/services',
    {
      schema: reading(
        { operationId: 'listUpstreamServices', summary: 'What an upstream sells', tag },
        { params: IdParams, querystring: listQuery({}), answer: listOf(OfferShape) },
      ),
    },
    async ({ params, query }) => {
      const { id } = await readUpstream(db, readId(params.id))
      const { limit, from } = readPage('upstream services', query)
      const upstreamId = BigInt(id)
      const rows = await listOffers(db, { upstreamId, after: from, limit: limit + 1 })
      return toPage('upstream services', { rows, limit, render: showOffer })
    },
  )
  app.post(
    '/upstreams/:id/import',
    {
      schema: writing(
        { operationId: 'importServices', summary: 'Sell services of an upstream', tag },
        { params: IdParams, body: Import, answers: { 200: Imported } },
      ),
    },
    async (request, reply) => {
      const { services, category_id: category } = request.body
      const input = {
        upstreamId: readId(request.params.id),
        services,
        categoryId: category == null ? null : readIdField(category, '/category_id'),
      }
      const { imported, skipped } = await write(deps, { request, reply, operation: bring, input })
      return {
        imported: imported.map(({ upstreamService, serviceId }) => ({
          upstream_service: upstreamService,
          service_id: serviceId,
        })),
        skipped: skipped.map(({ upstreamService, reason }) => ({
          upstream_service: upstreamService,
          reason,
        })),
      }
    },
  )
}

function registerMargins(app: RestRoutes, deps: AdminDeps): void {
  app.put(
    '/upstreams/:id/margins/:categoryId',
    {
      schema: writing(
        { operationId: 'setCategoryMargin', summary: "Set a category's margin", tag },
        {
          params: MarginParams,
          body: strictObject(SentMargin),
          answers: { 200: UpstreamShape },
        },
      ),
    },
    async (request, reply) => {
      const { margin_percent: percent, margin_fixed: marginFixed } = request.body
      const input = {
        upstreamId: readId(request.params.id),
        categoryId: readId(request.params.categoryId),
        marginPpm: readPercent(percent, '/margin_percent'),
        marginFixed,
      }
      return showUpstream(
        await write(deps, { request, reply, operation: setCategoryMargin, input }),
      )
    },
  )
  app.delete(
    '/upstreams/:id/margins/:categoryId',
    {
      schema: writing(
        { operationId: 'removeCategoryMargin', summary: "Drop a category's margin", tag },
        { params: MarginParams, answers: { 204: Type.Null() } },
      ),
    },
    async (request, reply) => {
      const { id, categoryId } = request.params
      const input = { upstreamId: readId(id), categoryId: readId(categoryId) }
      await write(deps, { request, reply, operation: removeCategoryMargin, input })
      return reply.code(204).send(null)
    },
  )
}
