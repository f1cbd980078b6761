import type { Static } from 'typebox'
import type {
  Invoice,
  PromoOfPurchase,
  Purchase,
  PurchaseLine,
} from '../../core/billing/purchase.ts'
import type { InvoiceShape, OrderShape } from './shapes.ts'
import {
  amount,
  idNumber,
  instant,
  nullableInstant,
  percent,
  taxMultiplier,
  unixSeconds,
} from './values.ts'

type Order = Static<typeof OrderShape>

/** A purchase as this API's order. */
export function orderText(purchase: Purchase): Order {
  const { invoice, state } = purchase
  // What is held has left the balance already.
  const fromBalance = state === 'paid' || state === 'processing' ? purchase.grossMicros : 0n
  return {
    id: idNumber(purchase.id),
    tax_rate: taxMultiplier(purchase.taxRatePpm),
    amount: amount(purchase.netMicros),
    amount_with_vat: amount(purchase.grossMicros),
    amount_from_balance: amount(fromBalance),
    payment_method: purchase.paymentMethod,
    status: state,
    type: purchase.kind,
    auto_pay: purchase.autoPay,
    promo_applicable: purchase.promoApplicable,
    created_at: instant(purchase.createdAt),
    due_at: instant(purchase.dueAt),
    payment_date: nullableInstant(purchase.paidAt),
    invoices: invoice === null ? [] : [invoiceText(invoice)],
    promo: promoText(purchase.promo),
    payment_information: null,
    services: purchase.lines.map((line) => serviceText(line, state)),
  }
}

const NUMBER_DIGITS = 10

export function invoiceText(invoice: Invoice): Static<typeof InvoiceShape> {
  return {
    id: idNumber(invoice.id),
    invoice_number: invoice.number.toString().padStart(NUMBER_DIGITS, '0'),
    created_at: instant(invoice.issuedOn),
    amount: amount(invoice.netMicros),
    amount_with_vat: amount(invoice.grossMicros),
    type: invoice.original ? 'original' : 'proform',
    order_ids: [idNumber(invoice.purchaseId)],
  }
}

/** An addon follows its server: it has no cycle of its own here. */
function serviceText(line: PurchaseLine, state: Purchase['state']): Order['services'][number] {
  const isServer = line.kind === 'server'
  return {
    label: line.label,
    sublabel: line.sublabel,
    period_from: unixSeconds(line.periodFrom),
    period_to: unixSeconds(line.periodTo),
    is_period_changeable: isServer && state === 'awaiting_payment',
    service_id: idNumber(line.subscriptionId),
    service_billing_cycle: isServer ? line.billingCycle : null,
    service_minimum_billing_cycle: isServer ? line.minimumBillingCycle : null,
    service_type: line.kind,
    amount: amount(line.netMicros),
    amount_with_vat: amount(line.grossMicros),
    amount_sublabel: '',
    promo: promoText(line.promo),
  }
}

function promoText(promo: PromoOfPurchase | null): Order['promo'] {
  if (promo === null) return null
  return {
    code: promo.code,
    percentage: percent(promo.percentPpm),
    discount: amount(promo.discountNetMicros),
    discount_with_vat: amount(promo.discountGrossMicros),
  }
}
