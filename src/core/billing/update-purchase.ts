import { accountOf } from '../actor.ts'
import type { Operation } from '../operation.ts'
import { readPromo } from './promo-terms.ts'
import type { PaymentMethod } from './purchase.ts'
import { lockPurchase, updatePayment } from './purchase-store.ts'
import { checkAwaitingPayment, repricePurchase } from './reprice-purchase.ts'

/** What is left out stays as it is. */
export interface UpdatePurchaseInput {
  readonly purchaseId: bigint
  readonly paymentMethod?: PaymentMethod
  readonly autoPay?: boolean
  /** Null takes a code away. */
  readonly promoCode?: string | null
}

/**
 * Changes how a purchase that awaits payment is paid, and with which promo code. Refuses
 * `not_found`, `resource_locked` while it is being paid, `invalid_state` once it is paid or
 * cancelled, and `invalid_input` for a code that cannot be used.
 */
export const updatePurchase: Operation<UpdatePurchaseInput, { purchaseId: string }> = {
  name: 'billing.update_purchase',
  permission: 'write:billing',
  async run(context, { purchaseId, promoCode, ...input }) {
    const { tx, now } = context
    const owner = { id: purchaseId, accountId: accountOf(context.actor) }
    let purchase = await lockPurchase(tx, owner)
    checkAwaitingPayment(purchase)
    let repriced = false
    if (promoCode !== undefined) {
      const promo = promoCode === null ? null : await readPromo(tx, { code: promoCode, now })
      repriced = await repricePurchase(context, purchase, { promo })
      purchase = await lockPurchase(tx, owner)
    }
    const { accountId, dueAt } = purchase
    const { paymentMethod = purchase.paymentMethod, autoPay = purchase.autoPay } = input
    if (paymentMethod !== purchase.paymentMethod || autoPay !== purchase.autoPay) {
      const byItself = autoPay || purchase.grossMicros === 0n
      const payAt = byItself ? (purchase.payAt ?? dueAt) : null
      await updatePayment(tx, { now, purchaseId, paymentMethod, autoPay, payAt })
      // One change, one event: pricing it anew has written its own.
      if (!repriced) {
        context.record({ kind: 'purchase.changed', subjectId: purchaseId, accountId })
      }
    }
    return { purchaseId: String(purchaseId) }
  },
}
