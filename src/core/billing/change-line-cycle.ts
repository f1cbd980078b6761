import { accountOf } from '../actor.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { readPromo } from './promo-terms.ts'
import { lockPurchase, readStandingLines } from './purchase-store.ts'
import { checkAwaitingPayment, type PurchaseChange, repricePurchase } from './reprice-purchase.ts'
import { setBillingCycle } from './subscription-store.ts'

export interface ChangeLineCycleInput {
  readonly purchaseId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly subscriptionId: bigint
  /** Months. */
  readonly billingCycle: number
  /** Null takes a code away; left out, it stays as it is. */
  readonly promoCode?: string | null
}

/**
 * Changes for how many months a server is renewed, from the open purchase on; its addons follow.
 * Refuses `not_found`, `resource_locked` while the purchase is being paid, `invalid_state` once it
 * is paid or cancelled and for an addon by itself, and as `renewalTerms`.
 */
export const changeLineCycle: Operation<ChangeLineCycleInput, { purchaseId: string }> = {
  name: 'billing.change_line_cycle',
  permission: 'write:billing',
  async run(context, input) {
    const { tx, now } = context
    const { purchaseId, subscriptionId, billingCycle, promoCode } = input
    const accountId = accountOf(context.actor)
    const purchase = await lockPurchase(tx, { id: purchaseId, accountId })
    const lines = await readStandingLines(tx, { purchaseIds: [purchaseId] })
    const isThere = lines.some(
      (line) => line.subscriptionId === subscriptionId && line.kind === input.kind,
    )
    checkAwaitingPayment(purchase)
    if (!isThere) throw new Refusal('not_found')
    if (input.kind === 'server-addon') {
      throw new Refusal('invalid_state', { detail: 'An addon is renewed with its server.' })
    }
    const change: PurchaseChange = {
      billingCycle: new Map([[subscriptionId, billingCycle]]),
      ...(promoCode === undefined
        ? {}
        : { promo: promoCode === null ? null : await readPromo(tx, { code: promoCode, now }) }),
    }
    await repricePurchase(context, purchase, change)
    if (await setBillingCycle(tx, { now, subscriptionId, billingCycle })) {
      context.record({
        kind: 'subscription.cycle_changed',
        subjectId: subscriptionId,
        accountId: purchase.accountId,
        data: { months: billingCycle },
      })
    }
    return { purchaseId: String(purchaseId) }
  },
}
