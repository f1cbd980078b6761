import { html } from '../http/html.ts'
import type { Page } from '../http/page.ts'
import { billingAddress, type Notice, noticePart } from './customer-page.ts'

/** Asks who it is, and leads back to the invoice. */
export function signInPage(o: {
  invoice: string | undefined
  email?: string
  notice?: Notice
}): Page {
  return {
    title: 'Sign in',
    body: html`<h1>Sign in</h1>
${noticePart(o.notice)}
<p class="lead">${
      o.invoice === undefined
        ? 'To see your invoices and pay them.'
        : `To see invoice ${o.invoice} and pay it.`
    }</p>
<form class="fields" method="post" action="${billingAddress(o.invoice)}">
<input type="hidden" name="action" value="sign-in">
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required value="${o.email ?? ''}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>`,
  }
}
