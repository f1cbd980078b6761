import type { Invoice } from '../core/billing/purchase.ts'
import type { Account } from '../core/identity/account.ts'
import { type Html, html } from '../http/html.ts'
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
  const more =
    older !== undefined && html`<p><a href="/billing?before=${String(older)}">Older</a></p>`
  return {
    title: 'Invoices',
    body: html`<h1>Invoices</h1>
<p class="lead">The wallet holds ${money(balanceMicros, account.currency)}.</p>
${invoices.length === 0 ? html`<p>There are none.</p>` : table(invoices, account)}
${more}
${visitorPart(visitor, undefined)}`,
  }
}

const HEAD = html`<thead><tr>
<th scope="col">Number</th>
<th scope="col">Due</th>
<th scope="col">State</th>
<th scope="col" class="amount">Total</th>
</tr></thead>`

function table(invoices: readonly Invoice[], account: Account): Html {
  return html`<table class="bill">
${HEAD}
<tbody>${invoices.map((invoice) => row(invoice, account))}</tbody>
</table>`
}

function row({ number, dueAt, state, grossMicros, currency }: Invoice, account: Account): Html {
  return html`<tr>
<th scope="row"><a href="${billingAddress(String(number))}">${String(number)}</a></th>
<td data-label="Due">${day(dueAt, account)}</td>
<td data-label="State">${STATES[state]}</td>
<td data-label="Total" class="amount">${money(grossMicros, currency)}</td>
</tr>`
}
