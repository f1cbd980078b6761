import { type Static, Type } from 'typebox'
import type { CatalogueService } from '../core/catalogue/catalogue-cache.ts'
import { SERVICE_TYPES } from '../core/catalogue/service-type.ts'
import { buyerOf } from '../core/orders/buyer.ts'
import { currentPrices } from '../core/orders/current-prices.ts'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { minChargeOf, type PriceTerms, ratesOf, type Scaled } from '../core/pricing/charge.ts'
import { ownPrice } from '../core/pricing/own-price.ts'
import { callerOf } from '../http/rest/caller.ts'
import { readPage, toPage } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Amount, Count, Id, listOf, listQuery, nullable, oneOf } from '../http/rest/shapes.ts'
import { currencyDecimals, formatScaled } from '../lib/money.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { reading } from './schemas.ts'

const ServiceShape = Type.Object({
  id: Id,
  name: Type.String(),
  description: Type.String(),
  category: Type.String(),
  type: oneOf(SERVICE_TYPES),
  currency: Type.String(),
  rate: Type.String({ description: 'For 1000, as it is charged', examples: ['0.81'] }),
  original_rate: Type.String({ description: "Before the key's discount", examples: ['0.90'] }),
  min_charge: Amount,
  min_quantity: Count,
  max_quantity: Count,
  quantity_step: Count,
  package_quantity: nullable(Count),
  can_refill: Type.Boolean(),
  can_cancel: Type.Boolean(),
  can_dripfeed: Type.Boolean(),
})

/** What the account can order, at its own prices. */
export function registerServices(app: RestRoutes, deps: CustomerDeps): void {
  const { desk } = deps
  app.get(
    '/services',
    reading(
      {
        operationId: 'listServices',
        summary: 'List services at the prices of the account and the key',
        tag: 'Services',
        scopes: ORDER_READERS,
      },
      { querystring: listQuery({}), answer: listOf(ServiceShape) },
    ),
    async (request) => {
      const { limit, from } = readPage('services', request.query)
      const asking = await buyerOf(desk.db, callerOf(request))
      const { catalogue, buyer } = await currentPrices(desk, asking)
      const rows: { id: string; service: CatalogueService; terms: PriceTerms }[] = []
      for (const service of [...catalogue.services].sort((a, b) => (a.id < b.id ? -1 : 1))) {
        const terms =
          from !== undefined && service.id <= from ? undefined : ownPrice(service, buyer)
        if (terms !== undefined) rows.push({ id: String(service.id), service, terms })
        if (rows.length > limit) break
      }
      const render = (row: (typeof rows)[number]) => show(row.service, row.terms, buyer.currency)
      return toPage('services', { rows, limit, render })
    },
  )
}

function show(
  service: CatalogueService,
  terms: PriceTerms,
  currency: string,
): Static<typeof ServiceShape> {
  const { original, rate } = ratesOf(terms)
  const text = (scaled: Scaled) =>
    formatScaled(scaled.value, {
      decimals: scaled.decimals,
      decimalsMin: currencyDecimals(currency),
    })
  return {
    id: String(service.id),
    name: service.name,
    description: service.description,
    category: service.category,
    type: service.type,
    currency,
    rate: text(rate),
    original_rate: text(original),
    min_charge: text(minChargeOf(terms)),
    min_quantity: Number(service.minQuantity),
    max_quantity: Number(service.maxQuantity),
    quantity_step: Number(service.quantityStep),
    package_quantity: service.packageQuantity === null ? null : Number(service.packageQuantity),
    can_refill: service.canRefill,
    can_cancel: service.canCancel,
    can_dripfeed: service.canDripfeed,
  }
}
