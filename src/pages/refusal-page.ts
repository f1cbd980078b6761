import type { Refusal } from '../core/refusal.ts'
import { html } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import { PROBLEMS } from '../http/rest/problems.ts'

/** What a customer reads where a page cannot be shown. */
export function refusalPage(refusal: Refusal, requestId: string): { status: number; page: Page } {
  const { status, title, code } = PROBLEMS[refusal.code]
  const body = html`<h1>${title}</h1>
<p class="lead">${refusal.detail}</p>
<p><a href="/billing">All invoices</a> · <a href="/errors/${code}">What this means</a></p>
<p>Quote <code>${requestId}</code> when you report it.</p>`
  return { status, page: { title, body } }
}
