import type { KeyActor } from '../../core/actor.ts'
import type { Catalogue, CatalogueService } from '../../core/catalogue/catalogue-cache.ts'
import { discountedRate } from '../../core/orders/charge.ts'

export interface DiscountedRate {
  readonly service: CatalogueService
  /** Before the key's discount, in micros for 1000. */
  readonly originalRate: bigint
  /** After it, exact: `value` / 10^`decimals`. */
  readonly rate: { readonly value: bigint; readonly decimals: number }
}

/** The services that this key can buy, at its prices, in the catalogue's order. */
export function discountedRates(catalogue: Catalogue, actor: KeyActor): DiscountedRate[] {
  const list: DiscountedRate[] = []
  for (const service of catalogue.services) {
    const originalRate = service.rates.get(actor.currency)
    if (originalRate === undefined) continue
    list.push({ service, originalRate, rate: discountedRate(originalRate, actor.discountPpm) })
  }
  return list
}
