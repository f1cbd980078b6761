import { type Static, Type } from 'typebox'
import { type PlanOffer, readPlanOffers } from '../../core/catalogue/plan-offers.ts'
import { callerIfAny, setCaller } from '../../http/rest/caller.ts'
import { findCustomer } from '../../http/rest/customer-caller.ts'
import { readPage, toPage } from '../../http/rest/paging.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { listOf, listQuery } from '../../http/rest/shapes.ts'
import { publicIdOf } from '../../lib/ids.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { problems } from './problem-responses.ts'
import { ProductShape } from './shapes.ts'
import { amount, cycleName, gigabytes } from './values.ts'

const LIST = 'products'

/** What is sold: anybody may ask, and who has a key sees the prices of its account. */
export function registerProducts(app: RestRoutes, deps: HostupDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/products/vps',
    {
      onRequest: async (request, reply) => {
        const actor = await findCustomer(deps, request, reply)
        if (actor !== undefined) setCaller(request, actor)
      },
      schema: {
        operationId: 'listVpsProducts',
        summary: 'List the plans of VPS',
        description:
          'Needs no key. With one, the prices are in the currency of its account and with its ' +
          'tax. Without one they are in the first currency, by its code, in which plans are ' +
          'sold, as the operator lists them. `currency` asks for another; nothing is converted, ' +
          'and a plan that has no price in the currency is left out.',
        tags: ['Products'],
        security: [{}, { customerKey: [] }, { customerSession: [] }],
        querystring: listQuery({
          currency: Type.Optional(
            Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217', examples: ['SEK'] }),
          ),
        }),
        response: { 200: listOf(ProductShape), ...problems([400, 401, 429, 500, 503]) },
      },
    },
    async (request) => {
      const { query } = request
      const { limit, from } = readPage(LIST, query)
      const accountId = callerIfAny(request)?.accountId ?? null
      const offers = await readPlanOffers(db, { accountId, currency: query.currency ?? null })
      const start = offers.findIndex((offer) => offer.id === from) + 1
      return toPage(LIST, {
        rows: offers.slice(start, start + limit + 1).map((offer) => ({
          id: String(offer.id),
          offer,
        })),
        limit,
        render: ({ offer }) => productText(offer),
      })
    },
  )
}

function productText(offer: PlanOffer): Static<typeof ProductShape> {
  const { currency, prices } = offer
  const [shortest] = prices
  return {
    id: publicIdOf('vpsprod', offer.publicId),
    slug: offer.key,
    tier: null,
    name: offer.name,
    resources: {
      cpuCores: offer.vcpus,
      memoryGb: gigabytes(offer.memoryMb),
      storageGb: offer.diskGb,
    },
    bandwidth: { limitGb: offer.bandwidthGb === 0 ? null : offer.bandwidthGb },
    billing: {
      amount: amount(shortest!.grossMicros),
      currencyCode: currency,
      billingCycle: cycleName(shortest!.billingCycle, shortest!.grossMicros),
    },
    billingCycles: prices.map(({ billingCycle, grossMicros }) => ({
      billingCycle: cycleName(billingCycle, grossMicros),
      months: billingCycle,
      amount: amount(grossMicros),
    })),
    available: offer.available,
  }
}
