import { accountOf } from '../actor.ts'
import type { Operation } from '../operation.ts'
import { lockPurchase, readStandingLines, voidPurchase } from './purchase-store.ts'
import { checkAwaitingPayment } from './reprice-purchase.ts'
import { setNextInvoiceWhenDue } from './subscription-store.ts'

/**
 * Voids a purchase that awaits payment: its invoice cannot be paid any more, and its servers'
 * renewals are made out again on the day on which they are due. Refuses `not_found`,
 * `resource_locked` while it is being paid, `invalid_state` once it is paid or cancelled.
 */
export const cancelPurchase: Operation<{ purchaseId: bigint }, { purchaseId: string }> = {
  name: 'billing.cancel_purchase',
  permission: 'write:billing',
  async run({ tx, now, actor, record }, { purchaseId }) {
    const purchase = await lockPurchase(tx, { id: purchaseId, accountId: accountOf(actor) })
    checkAwaitingPayment(purchase)
    const lines = await readStandingLines(tx, { purchaseIds: [purchaseId] })
    await voidPurchase(tx, { now, purchaseId })
    await setNextInvoiceWhenDue(tx, { now, ids: lines.map((line) => line.subscriptionId) })
    const { accountId } = purchase
    record({ kind: 'purchase.cancelled', subjectId: purchaseId, accountId })
    return { purchaseId: String(purchaseId) }
  },
}
