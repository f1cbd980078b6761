import type { Static } from 'typebox'
import type { Invoice } from '../../core/billing/purchase.ts'
import { publicIdOf } from '../../lib/ids.ts'
import { invoiceActions } from './gates.ts'
import type { InvoiceShape, RenewalInvoiceShape } from './shapes.ts'
import { amount, instant, invoicePage, nullableInstant, percent } from './values.ts'

/** An invoice as far as a renewal shows it. */
export function invoiceHead(invoice: Invoice): Static<typeof RenewalInvoiceShape> {
  return {
    id: invoiceId(invoice),
    number: String(invoice.number),
    amount: amount(invoice.grossMicros),
    currencyCode: invoice.currency,
    dueAt: instant(invoice.dueAt),
    status: invoice.state,
    paymentUrl: invoice.state === 'unpaid' ? invoicePage(invoice) : null,
  }
}

export function invoiceText(invoice: Invoice): Static<typeof InvoiceShape> {
  return { ...invoiceFields(invoice), actions: invoiceActions(invoice) }
}

export function invoiceId(invoice: Invoice): string {
  return publicIdOf('inv', invoice.publicId)
}

/** What is shown of every invoice. */
export function invoiceFields(invoice: Invoice) {
  return {
    ...invoiceHead(invoice),
    netAmount: amount(invoice.netMicros),
    taxAmount: amount(invoice.grossMicros - invoice.netMicros),
    taxPercent: percent(invoice.taxRatePpm),
    createdAt: instant(invoice.createdAt),
    paidAt: nullableInstant(invoice.paidAt),
  }
}
