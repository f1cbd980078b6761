import { randomUUID } from 'node:crypto'
import type { Invoice, Purchase, PurchaseLine } from '../core/billing/purchase.ts'
import { covers } from '../core/scope.ts'
import { type Html, html } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import { formatScaled } from '../lib/money.ts'
import {
  billingAddress,
  day,
  money,
  type Notice,
  noticePart,
  type Visitor,
  visitorPart,
} from './customer-page.ts'

/** One invoice, and how it is paid. */
export function invoicePage(o: {
  visitor: Visitor
  invoice: Invoice
  purchase: Purchase
  notice?: Notice
}): Page {
  const { visitor, invoice, purchase } = o
  const title = `${invoice.original ? 'Invoice' : 'Proforma invoice'} ${invoice.number}`
  return {
    title,
    body: html`<p><a href="/billing">All invoices</a></p>
<h1>${title}</h1>
${noticePart(o.notice)}
${statePart(visitor, invoice, purchase)}
${linesPart(visitor, purchase)}
${sumsPart(visitor, invoice)}
${invoice.state === 'unpaid' && payPart(visitor, invoice, purchase)}
${visitorPart(visitor, String(invoice.number))}`,
  }
}

function statePart({ account }: Visitor, invoice: Invoice, purchase: Purchase): Html {
  if (invoice.state === 'cancelled')
    return html`<p class="lead">Cancelled. Nothing is to be paid.</p>`
  if (invoice.paidAt !== null) {
    return html`<p class="lead">Paid on ${day(invoice.paidAt, account)}.</p>`
  }
  if (purchase.state === 'processing') return html`<p class="lead">Being paid.</p>`
  return html`<p class="lead">Unpaid. Due on ${day(invoice.dueAt, account)}.</p>`
}

function linesPart({ account }: Visitor, { lines, currency }: Purchase): Html {
  const row = (line: PurchaseLine) =>
    html`<tr><th scope="row">${line.label}</th>
<td data-label="Period">${day(line.periodFrom, account)} – ${day(line.periodTo, account)}</td>
<td data-label="Price" class="amount">${money(line.grossMicros, currency)}</td></tr>`
  return html`<h2 class="part">What it is for</h2>
<table class="bill">
<thead><tr><th scope="col">Item</th><th scope="col">Period</th><th scope="col" class="amount">Price</th></tr></thead>
<tbody>${lines.map(row)}</tbody>
</table>`
}

function sumsPart({ account }: Visitor, invoice: Invoice): Html {
  const { currency, netMicros, grossMicros } = invoice
  const rate = formatScaled(BigInt(invoice.taxRatePpm), { decimals: 4, decimalsMin: 0 })
  return html`<h2 class="part">What it comes to</h2>
<dl class="sums">
<dt>Net</dt><dd>${money(netMicros, currency)}</dd>
<dt>VAT ${rate} %</dt><dd>${money(grossMicros - netMicros, currency)}</dd>
<dt>Total</dt><dd><b>${money(grossMicros, currency)}</b></dd>
<dt>Issued on</dt><dd>${day(invoice.issuedOn, account)}</dd>
<dt>Due on</dt><dd>${day(invoice.dueAt, account)}</dd>
</dl>`
}

function payPart(visitor: Visitor, invoice: Invoice, purchase: Purchase): Html {
  const { currency, grossMicros } = invoice
  const missing = grossMicros - visitor.balanceMicros
  const until = purchase.lines.find((line) => line.kind === 'server')?.periodTo
  return html`<h2 class="part">Pay from the wallet</h2>
<p>The wallet holds ${money(visitor.balanceMicros, currency)}. ${
    missing > 0n && html`<b>${money(missing, currency)} are missing.</b> `
  }${until !== undefined && html`Paid, it runs until ${day(until, visitor.account)}.`}</p>
${payForm(visitor, invoice, purchase)}`
}

/** The key makes a second press of the button the same request as the first. */
function payForm({ actor }: Visitor, invoice: Invoice, { state }: Purchase): Html {
  if (!covers(actor.scopes, 'write:billing')) {
    return html`<p>You may look at invoices here, but not pay them.</p>`
  }
  const address = billingAddress(String(invoice.number))
  if (state === 'processing') {
    return html`<p>The money is set aside, and the provider is being asked. <a href="${address}">Look again</a></p>`
  }
  return html`<form method="post" action="${address}">
<input type="hidden" name="action" value="pay">
<input type="hidden" name="idempotency_key" value="page-${randomUUID()}">
<button type="submit">Pay ${money(invoice.grossMicros, invoice.currency)}</button>
</form>`
}
