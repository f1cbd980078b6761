import { type Static, Type } from 'typebox'
import { type Invoice, PURCHASE_STATES, type Purchase } from '../core/billing/purchase.ts'
import { Amount, Id, Instant, NullableInstant, nullable, oneOf } from '../http/rest/shapes.ts'
import { publicIdOf } from '../lib/ids.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'
import { Cycle } from './cycle-price.ts'
import { showPercent } from './percent.ts'

export const INVOICE_STATES = ['unpaid', 'paid', 'cancelled'] as const

export const InvoiceShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['inv_01hxa3b4c5d6e7f8g9h0j1k2m3'] }),
  account_id: Id,
  purchase_id: Id,
  state: oneOf(INVOICE_STATES),
  number: Type.String({ description: "Its own once paid; until then its purchase's" }),
  is_original: Type.Boolean({ description: 'Paid, and numbered without a gap; else proforma' }),
  currency: Type.String(),
  tax_rate_percent: Type.Number(),
  net: Amount,
  gross: Amount,
  issued_on: Instant,
  due_at: Instant,
  created_at: Instant,
  paid_at: NullableInstant,
})

const LineShape = Type.Object({
  id: Id,
  kind: oneOf(['server', 'server-addon']),
  subscription_id: Id,
  server_id: Id,
  label: Type.String(),
  sublabel: nullable(Type.String()),
  period_from: Instant,
  period_to: Instant,
  billing_cycle: Cycle,
  net: Amount,
  gross: Amount,
})

export const PurchaseShape = Type.Object({
  id: Id,
  account_id: Id,
  kind: oneOf(['renew-service']),
  state: oneOf(PURCHASE_STATES),
  currency: Type.String(),
  tax_rate_percent: Type.Number(),
  net: Amount,
  gross: Amount,
  payment_method: oneOf(['balance', 'card']),
  auto_pay: Type.Boolean(),
  promo_code: nullable(Type.String()),
  lines: Type.Array(LineShape),
  invoice: nullable(InvoiceShape),
  due_at: Instant,
  created_at: Instant,
  paid_at: NullableInstant,
})

export function showInvoice(invoice: Invoice): Static<typeof InvoiceShape> {
  const amount = (micros: bigint) => formatAmount(micros, currencyDecimals(invoice.currency))
  return {
    id: String(invoice.id),
    public_id: publicIdOf('inv', invoice.publicId),
    account_id: String(invoice.accountId),
    purchase_id: String(invoice.purchaseId),
    state: invoice.state,
    number: String(invoice.number),
    is_original: invoice.original,
    currency: invoice.currency,
    tax_rate_percent: showPercent(invoice.taxRatePpm),
    net: amount(invoice.netMicros),
    gross: amount(invoice.grossMicros),
    issued_on: invoice.issuedOn.toISOString(),
    due_at: invoice.dueAt.toISOString(),
    created_at: invoice.createdAt.toISOString(),
    paid_at: invoice.paidAt?.toISOString() ?? null,
  }
}

export function showPurchase(purchase: Purchase): Static<typeof PurchaseShape> {
  const amount = (micros: bigint) => formatAmount(micros, currencyDecimals(purchase.currency))
  return {
    id: String(purchase.id),
    account_id: String(purchase.accountId),
    kind: purchase.kind,
    state: purchase.state,
    currency: purchase.currency,
    tax_rate_percent: showPercent(purchase.taxRatePpm),
    net: amount(purchase.netMicros),
    gross: amount(purchase.grossMicros),
    payment_method: purchase.paymentMethod,
    auto_pay: purchase.autoPay,
    promo_code: purchase.promo?.code ?? null,
    lines: purchase.lines.map((line) => ({
      id: String(line.id),
      kind: line.kind,
      subscription_id: String(line.subscriptionId),
      server_id: String(line.serverId),
      label: line.label,
      sublabel: line.sublabel,
      period_from: line.periodFrom.toISOString(),
      period_to: line.periodTo.toISOString(),
      billing_cycle: line.billingCycle,
      net: amount(line.netMicros),
      gross: amount(line.grossMicros),
    })),
    invoice: purchase.invoice && showInvoice(purchase.invoice),
    due_at: purchase.dueAt.toISOString(),
    created_at: purchase.createdAt.toISOString(),
    paid_at: purchase.paidAt?.toISOString() ?? null,
  }
}
