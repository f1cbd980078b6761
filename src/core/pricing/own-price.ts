import type { AccountTerms } from '../actor.ts'
import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import type { PriceTerms } from './charge.ts'

/** What the price of a service depends on, beside the service. */
export type PriceReader = AccountTerms & { readonly discountPpm: number }

/**
 * What `buyer` pays for `service`; undefined where it is not sold in the account's currency. The
 * lists of services and the placing of orders both ask here, and nowhere else: what is shown is
 * what is charged. The account's own rate stands instead of the service's and of its group's
 * discount.
 */
export function ownPrice(service: CatalogueService, buyer: PriceReader): PriceTerms | undefined {
  const rate = service.rates.get(buyer.currency)
  if (rate === undefined) return undefined
  const ownRate = buyer.ownRates?.get(service.id)
  return {
    rate: ownRate ?? rate,
    groupDiscountPpm: ownRate === undefined ? buyer.groupDiscountPpm : 0,
    discountPpm: buyer.discountPpm,
    minChargeMicros: service.minCharges?.get(buyer.currency) ?? 0n,
  }
}
