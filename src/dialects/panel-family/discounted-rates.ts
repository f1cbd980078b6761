import type { Catalogue, CatalogueService } from '../../core/catalogue/catalogue-cache.ts'
import { ratesOf, type Scaled } from '../../core/pricing/charge.ts'
import { ownPrice, type PriceReader } from '../../core/pricing/own-price.ts'

export interface DiscountedRate {
  readonly service: CatalogueService
  /** What the account pays for 1000 before the key's discount, exact. */
  readonly originalRate: Scaled
  /** After it, exact. */
  readonly rate: Scaled
}

/** The services that this key can buy, at its prices, in the catalogue's order. */
export function discountedRates(catalogue: Catalogue, actor: PriceReader): DiscountedRate[] {
  const list: DiscountedRate[] = []
  for (const service of catalogue.services) {
    const terms = ownPrice(service, actor)
    if (terms === undefined) continue
    const { original, rate } = ratesOf(terms)
    list.push({ service, originalRate: original, rate })
  }
  return list
}
