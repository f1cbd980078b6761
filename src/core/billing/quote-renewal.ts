import type { Db } from '../../db/database.ts'
import { readPromo } from './promo-terms.ts'
import { findServerSubscriptions, readRenewables } from './renewable-views.ts'
import { renewalTerms } from './renewal-lines.ts'

/** What a renewal would come to. */
export interface RenewalQuote {
  readonly currency: string
  readonly taxRatePpm: number
  readonly netMicros: bigint
  readonly grossMicros: bigint
  /** What the promo code takes off, before and with tax. */
  readonly discountNetMicros: bigint
  readonly discountGrossMicros: bigint
  readonly promo: {
    readonly code: string
    readonly percentPpm: number
    readonly minimumBillingCycle: number
  } | null
}

/**
 * What renewing these servers of the account with their addons would come to, whether or not their
 * renewal has been made out. Refuses `not_found`, and as `renewalTerms`.
 */
export async function quoteRenewal(
  db: Db,
  o: {
    accountId: bigint
    serverIds: readonly bigint[]
    /** Months; null: each subscription's own. */
    billingCycle: number | null
    promoCode: string | null
    now: Date
  },
): Promise<RenewalQuote> {
  const { accountId, billingCycle, promoCode, now } = o
  const serverIds = [...new Set(o.serverIds)]
  const subscriptions = await findServerSubscriptions(db, { accountId, serverIds })
  const promo = promoCode === null ? null : await readPromo(db, { code: promoCode, now })
  const servers = await readRenewables(
    db,
    subscriptions.map((subscriptionId) => ({ subscriptionId, billingCycle })),
  )
  const { lines, ...terms } = renewalTerms(servers, { promo, addonIds: null })
  let [discountNetMicros, discountGrossMicros] = [0n, 0n]
  for (const line of lines) {
    discountNetMicros += line.listNetMicros - line.netMicros
    discountGrossMicros += line.listGrossMicros - line.grossMicros
  }
  return {
    currency: terms.currency,
    taxRatePpm: terms.taxRatePpm,
    netMicros: terms.netMicros,
    grossMicros: terms.grossMicros,
    discountNetMicros,
    discountGrossMicros,
    promo: promo && {
      code: promo.code,
      percentPpm: promo.percentPpm,
      minimumBillingCycle: promo.minimumBillingCycle,
    },
  }
}
