import type { KnownOffer } from './offer-views.ts'
import type { UpstreamOffer } from './upstream-driver.ts'

/** Whether an upstream lists what it listed before, to the letter. */
export function isSameList(
  known: ReadonlyMap<string, KnownOffer>,
  offers: readonly UpstreamOffer[],
): boolean {
  const listed = [...known.values()].filter(({ goneAt }) => goneAt === null).length
  return (
    listed === offers.length && offers.every((offer) => isSame(known.get(offer.service), offer))
  )
}

function isSame(known: KnownOffer | undefined, offer: UpstreamOffer): boolean {
  if (known === undefined || known.goneAt !== null) return false
  const fields = Object.keys(offer) as (keyof UpstreamOffer)[]
  return fields.every((field) => known[field] === offer[field])
}
