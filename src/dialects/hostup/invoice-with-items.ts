import type { Static } from 'typebox'
import type { Invoice } from '../../core/billing/purchase.ts'
import { readPurchase } from '../../core/billing/purchase-views.ts'
import { invoiceActions } from './gates.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { invoiceFields } from './invoice-text.ts'
import type { InvoiceWithItemsShape } from './shapes.ts'
import { amount, cycleName, instant } from './values.ts'

/** An invoice with the lines of its purchase: asked for, paid, and as the result of a job. */
export async function withItems(
  deps: HostupDeps,
  invoice: Invoice,
): Promise<Static<typeof InvoiceWithItemsShape>> {
  const { accountId, purchaseId } = invoice
  const { db } = deps.funnel.database
  const { lines } = await readPurchase(db, { accountId, id: purchaseId })
  return {
    ...invoiceFields(invoice),
    items: lines.map((line) => ({
      description: line.label,
      periodStart: instant(line.periodFrom),
      periodEnd: instant(line.periodTo),
      billingCycle: cycleName(line.billingCycle, line.grossMicros),
      amount: amount(line.grossMicros),
    })),
    actions: invoiceActions(invoice),
  }
}
