import { html, inline } from '../http/html.ts'
import type { Page } from '../http/page.ts'

/** A document, as the pages that lead to it name it. */
export interface DocumentLink {
  readonly name: string
  readonly title: string
  readonly summary: string
  /** Where the API is, as one reads it: `POST /api/v2`. */
  readonly address: string
}

/** `/`: what this is and where things are. Never anything secret. */
export function homePage(links: readonly DocumentLink[]): Page {
  return {
    title: 'Purser',
    body: html`<h1>Purser</h1>
<p class="lead">A self-hosted panel that sells prepaid services: each customer holds a wallet, buys with an API key, and every movement of money is a transfer in a double-entry ledger.</p>
<h2>The APIs here</h2>
${cards(links)}
<p>A script that was written for one of these APIs works here once its host name is changed. Keys are made by the operator.</p>
<h2>Is this the demo?</h2>
<p>Then the sign-ins and the keys are on the terminal where Purser was started, and in <code>demo.json</code> in its data folder. They are shown nowhere else.</p>
<h2>For whoever runs it</h2>
<ul>
<li><a href="/healthz">/healthz</a>: the process lives</li>
<li><a href="/readyz">/readyz</a>: it can serve</li>
<li><a href="/metrics">/metrics</a>: counters for Prometheus</li>
</ul>`,
  }
}

/** `/docs`: the documents, and what holds for all of them. */
export function docsPage(links: readonly DocumentLink[]): Page {
  return {
    title: 'Documentation',
    body: html`<h1>Documentation</h1>
<p class="lead">One reference for each API, with a curl line for every call.</p>
${cards(links)}
<h2>What holds everywhere</h2>
<ul>
<li>Money is exact: a decimal as text, or a JSON number in its shortest form where an API has numbers; never a rounded float. An account has one currency; nothing is converted.</li>
<li>A refusal leaves nothing behind: no order, no charge.</li>
<li>Every write takes an <code>Idempotency-Key</code>. Sent again with the same fields it does nothing twice and answers the same, in whichever API.</li>
<li>An order has a number and a name, <code>23501</code> and <code>CR-202411-23501</code>; every API takes both.</li>
<li>Every answer carries <code>X-Request-Id</code>; quote it when you report a problem.</li>
<li>What belongs to another account is answered as if it did not exist.</li>
</ul>
<p>What went wrong, and what to change: <a href="/errors">errors</a>.</p>`,
  }
}

function cards(links: readonly DocumentLink[]) {
  return html`<ul class="cards">${links.map(
    ({ name, title, summary, address }) =>
      html`<li><a href="/docs/${name}"><b>${title}</b></a> <code>${address}</code>
<p>${inline(summary)}</p></li>`,
  )}</ul>`
}

/** What a browser sees at an address that is not there. */
export function missingPage(): Page {
  return {
    title: 'Not found',
    body: html`<h1>There is nothing here</h1>
<p>The address may have been mistyped. <a href="/">The first page</a> says where things are, <a href="/docs">the documentation</a> what each API takes.</p>`,
  }
}
