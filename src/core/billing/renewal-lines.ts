/** What a renewal of servers and their addons consists of, and comes to. Pure. */
import { periodEnd } from '../../lib/periods.ts'
import { type TaxedAmounts, taxedAmounts } from '../../lib/tax.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { type PromoTerms, promoApplies } from './promo-terms.ts'
import type { RenewableServer } from './renewable-views.ts'

export interface LineDraft extends TaxedAmounts {
  readonly subscriptionId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly label: string
  readonly sublabel: string | null
  readonly periodFrom: Date
  readonly periodTo: Date
  readonly billingCycle: number
  readonly promoCodeId: bigint | null
}

/** What a purchase consists of and comes to: sums of lines, not rounded once more. */
export interface RenewalTerms {
  readonly currency: string
  readonly taxRatePpm: number
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly promo: PromoTerms | null
  readonly lines: readonly LineDraft[]
}

/**
 * A line for each server and each of its addons, in their order; `addonIds` are the subscriptions
 * of those that stay (null: all). The servers are of one account. Refuses `invalid_state` for a
 * server that is not renewed, `not_sold`, and `invalid_input` for a cycle below the plan's least,
 * for an addon that no server has, and for a code that is for none of the plans.
 */
export function renewalTerms(
  servers: readonly RenewableServer[],
  o: { promo: PromoTerms | null; addonIds: readonly bigint[] | null },
): RenewalTerms {
  const { promo } = o
  checkAddons(servers, o.addonIds)
  const staying = o.addonIds && new Set(o.addonIds)
  const lines = servers.flatMap((server) => {
    checkRenewable(server)
    const addons = server.addons.filter((addon) => staying?.has(addon.subscriptionId) ?? true)
    return [serverLine(server, promo), ...addons.map((addon) => addonLine(server, addon))]
  })
  if (promo !== null && lines.every((line) => line.promoCodeId === null)) {
    throw invalidField('/promo_code', 'is not for these plans and this billing cycle')
  }
  const { currency, tax } = servers[0]!
  return {
    currency,
    taxRatePpm: tax.ratePpm,
    netMicros: lines.reduce((sum, line) => sum + line.netMicros, 0n),
    grossMicros: lines.reduce((sum, line) => sum + line.grossMicros, 0n),
    promo,
    lines,
  }
}

/** Refuses `invalid_state` for a server that has ended, or is suspended for abuse. */
function checkRenewable(server: RenewableServer): void {
  const ended = !server.isActive || server.state === 'terminated'
  if (!ended && server.suspendedFor !== 'abuse') return
  const why = ended ? 'has ended' : 'is suspended for abuse'
  throw new Refusal('invalid_state', { detail: `Server ${server.serverId} ${why}.` })
}

function checkAddons(
  servers: readonly RenewableServer[],
  addonIds: readonly bigint[] | null,
): void {
  if (addonIds === null) return
  const known = new Set(
    servers.flatMap((server) => server.addons.map((addon) => addon.subscriptionId)),
  )
  const at = addonIds.findIndex((id) => !known.has(id))
  if (at !== -1)
    throw invalidField(`/addonIds/${at}`, 'is not an addon of this server', 'not_found')
}

function serverLine(server: RenewableServer, promo: PromoTerms | null): LineDraft {
  const { planName, hostname, address, billingCycle } = server
  // A cycle that was allowed when the server was bought stays so.
  if (billingCycle !== server.ownCycle && billingCycle < server.minimumBillingCycle) {
    throw invalidField('/billing_cycle', `must be at least ${server.minimumBillingCycle}`)
  }
  const applied = promo !== null && promoApplies(promo, server) ? promo : null
  return {
    ...termsOf(server),
    subscriptionId: server.subscriptionId,
    kind: 'server',
    label: `Renewal: ${planName} - ${hostname}${address === null ? '' : ` [${address}]`}`,
    sublabel: address,
    promoCodeId: applied?.id ?? null,
    ...amountsOf(server, {
      priceMicros: server.priceMicros,
      quantity: 1,
      discountPpm: applied?.percentPpm ?? 0,
    }),
  }
}

function addonLine(server: RenewableServer, addon: RenewableServer['addons'][number]): LineDraft {
  const { priceMicros, quantity } = addon
  return {
    ...termsOf(server),
    subscriptionId: addon.subscriptionId,
    kind: 'server-addon',
    label: addon.name,
    sublabel: null,
    promoCodeId: null,
    ...amountsOf(server, { priceMicros, quantity, discountPpm: 0 }),
  }
}

function termsOf(server: RenewableServer) {
  const { expiresAt: periodFrom, billingCycle, timeZone, anchorDay } = server
  const period = { from: periodFrom, months: billingCycle, timeZone, anchorDay }
  return { periodFrom, periodTo: periodEnd(period), billingCycle }
}

function amountsOf(
  { currency, tax }: RenewableServer,
  o: { priceMicros: bigint | null; quantity: number; discountPpm: number },
): TaxedAmounts {
  if (o.priceMicros === null) throw new Refusal('not_sold')
  return taxedAmounts({ ...o, priceMicros: o.priceMicros, currency, tax })
}
