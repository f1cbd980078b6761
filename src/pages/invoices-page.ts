import type { Invoice } from '../core/billing/purchase.ts'
import { html } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import { billingAddress, day, money, type Visitor, visitorPart } from './customer-page.ts'

const STATES = { unpaid: 'Unpaid', paid: 'Paid', cancelled: 'Cancelled' } as const

/** The account's invoices, newest first; `older` is where the next of them begin. */
export function invoicesPage(o: {
  visitor: Visitor
  invoices: readonly Invoice[]
  older: bigint | undefined
}): Page {
  const { visitor, invoices, older } = o
  const { account, balanceMicros } = visitor
  return {
    title: 'Invoices',
    body: html`<h1>Invoices</h1>
<p class="lead">The wallet holds ${money(balanceMicros, account.currency)}.</p>
${invoices.length === 0 && html`<p>There are none.</p>`}
${
  invoices.length > 0 &&
  html`<table class="bill">
<thead><tr><th scope="col">Number</th><th scope="col">Due</th><th scope="col">State</th><th scope="col" class="amount">Total</th></tr></thead>
<tbody>${invoices.map(
    (invoice) =>
      html`<tr><th scope="row"><a href="${billingAddress(String(invoice.number))}">${String(invoice.number)}</a></th>
<td data-label="Due">${day(invoice.dueAt, account)}</td>
<td data-label="State">${STATES[invoice.state]}</td>
<td data-label="Total" class="amount">${money(invoice.grossMicros, invoice.currency)}</td></tr>`,
  )}</tbody>
</table>`
}
${older !== undefined && html`<p><a href="/billing?before=${String(older)}">Older invoices</a></p>`}
${visitorPart(visitor, undefined)}`,
  }
}
