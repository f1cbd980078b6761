import { accountOf } from '../actor.ts'
import type { Operation } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { issueRenewals } from './issue-renewals.ts'
import { readPromo } from './promo-terms.ts'
import { lockOpenPurchases } from './purchase-store.ts'
import { findServerSubscriptions } from './renewable-views.ts'
import { type PurchaseChange, repricePurchase } from './reprice-purchase.ts'
import { lockSubscriptions } from './subscription-store.ts'

export interface RenewInput {
  readonly serverIds: readonly bigint[]
  /** Months, for this renewal only; null: the subscription's own. */
  readonly billingCycle: number | null
  readonly promoCode: string | null
  /** The subscriptions of the addons that stay; null: all that the servers have. */
  readonly addonIds: readonly bigint[] | null
  /** What becomes of an open renewal of the same servers: as it is, or what is asked for now. */
  readonly existing: 'keep' | 'change'
}

export interface RenewOutput {
  readonly purchaseId: string
  readonly outcome: 'created' | 'existing' | 'changed'
}

/**
 * Makes out one purchase for the next periods of these servers and their addons; nothing is paid
 * by it. Where one is open for the same servers, that is the answer. Refuses `not_found`,
 * `existing_invoice_blocking` where one is open for other servers with these, `resource_locked`
 * where the open one would be changed while it is being paid, and as `renewalTerms`.
 */
export const renewServers: Operation<RenewInput, RenewOutput> = {
  name: 'billing.renew_servers',
  permission: 'write:billing',
  // What becomes of an open one is the way of the API that asks, not what the caller asks for.
  sameness: ({ existing: _, ...asked }) => asked,
  async run(context, input) {
    const { tx, now } = context
    const serverIds = [...new Set(input.serverIds)]
    if (serverIds.length === 0) throw invalidField('/server_ids', 'must name a server')
    const subscriptions = await findServerSubscriptions(tx, {
      accountId: accountOf(context.actor),
      serverIds,
    })
    // Purchases are locked before subscriptions.
    const open =
      input.existing === 'change' ? await lockOpenPurchases(tx, { serverIds }) : new Map()
    await lockSubscriptions(tx, subscriptions)
    const { promoCode, billingCycle, addonIds } = input
    const promo = promoCode === null ? null : await readPromo(tx, { code: promoCode, now })
    const request = { subscriptionIds: subscriptions, billingCycle, promo, addonIds }
    const [issued] = await issueRenewals(context, [request])
    if (issued === undefined || issued instanceof Refusal) throw issued
    const { purchaseId, outcome } = issued
    if (outcome === 'existing' && input.existing === 'change') {
      const purchase = open.get(purchaseId)
      // It was made out after the open ones had been looked for.
      if (purchase === undefined) throw new Refusal('resource_locked', { retryAfterSeconds: 1 })
      const change: PurchaseChange = {
        ...(billingCycle === null ? {} : { billingCycle }),
        ...(promo === null ? {} : { promo }),
        ...(addonIds === null ? {} : { addonIds }),
      }
      const changed = await repricePurchase(context, purchase, change)
      return { purchaseId: String(purchaseId), outcome: changed ? 'changed' : 'existing' }
    }
    return { purchaseId: String(purchaseId), outcome }
  },
}
