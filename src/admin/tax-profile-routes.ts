import { type Static, Type } from 'typebox'
import { createTaxProfile } from '../core/billing/tax/create-tax-profile.ts'
import type { TaxProfile } from '../core/billing/tax/tax-profile.ts'
import { listTaxProfiles, readTaxProfile } from '../core/billing/tax/tax-profile-views.ts'
import { updateTaxProfile } from '../core/billing/tax/update-tax-profile.ts'
import { readId, readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, Instant, listOf, listQuery, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { readPercent, SentPercent, showPercent } from './percent.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const IncludeTax = Type.Boolean({
  description: 'Whether prices are what these customers pay, tax within; else tax is added',
})
const NewTaxProfile = strictObject({
  name: Type.String({ examples: ['Bulgaria, 20 % within'] }),
  rate_percent: SentPercent,
  prices_include_tax: IncludeTax,
})
const TaxProfileChanges = Type.Partial(NewTaxProfile, { additionalProperties: false })
const TaxProfileShape = Type.Object({
  id: Id,
  name: Type.String(),
  rate_percent: Type.Number(),
  prices_include_tax: IncludeTax,
  created_at: Instant,
})
const tag = 'Billing'

/** How accounts are taxed. */
export function registerTaxProfiles(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/tax-profiles',
    {
      schema: writing(
        { operationId: 'createTaxProfile', summary: 'Add a tax profile', tag },
        { body: NewTaxProfile, answers: { 201: TaxProfileShape } },
      ),
    },
    async (request, reply) => {
      const { name, rate_percent, prices_include_tax: pricesIncludeTax } = request.body
      const ratePpm = readPercent(rate_percent, '/rate_percent')
      const input = { name, ratePpm, pricesIncludeTax }
      const profile = await write(deps, { request, reply, operation: createTaxProfile, input })
      return reply.code(201).send(show(profile))
    },
  )
  app.get(
    '/tax-profiles',
    {
      schema: reading(
        { operationId: 'listTaxProfiles', summary: 'List tax profiles', tag },
        { querystring: listQuery({}), answer: listOf(TaxProfileShape) },
      ),
    },
    async ({ query }) => {
      const { limit, from } = readPage('tax-profiles', query)
      const rows = await listTaxProfiles(db, { after: from, limit: limit + 1 })
      return toPage('tax-profiles', { rows, limit, render: show })
    },
  )
  app.get(
    '/tax-profiles/:id',
    {
      schema: reading(
        { operationId: 'getTaxProfile', summary: 'A tax profile', tag },
        { params: IdParams, answer: TaxProfileShape },
      ),
    },
    async ({ params }) => show(await readTaxProfile(db, readId(params.id))),
  )
  app.patch(
    '/tax-profiles/:id',
    {
      schema: writing(
        {
          operationId: 'updateTaxProfile',
          summary: 'Change a tax profile for what is made out from now on',
          tag,
        },
        { params: IdParams, body: TaxProfileChanges, answers: { 200: TaxProfileShape } },
      ),
    },
    async (request, reply) => {
      const { name, rate_percent, prices_include_tax: pricesIncludeTax } = request.body
      const input = {
        taxProfileId: readId(request.params.id),
        name,
        ratePpm:
          rate_percent === undefined ? undefined : readPercent(rate_percent, '/rate_percent'),
        pricesIncludeTax,
      }
      return show(await write(deps, { request, reply, operation: updateTaxProfile, input }))
    },
  )
}

function show(profile: TaxProfile): Static<typeof TaxProfileShape> {
  return {
    id: profile.id,
    name: profile.name,
    rate_percent: showPercent(profile.ratePpm),
    prices_include_tax: profile.pricesIncludeTax,
    created_at: profile.createdAt,
  }
}
