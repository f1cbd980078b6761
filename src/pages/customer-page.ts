import type { UserActor } from '../core/actor.ts'
import type { Account } from '../core/identity/account.ts'
import { type Html, html } from '../http/html.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'

/** Whoever is signed in, and the account that the pages show. */
export interface Visitor {
  readonly actor: UserActor
  readonly email: string
  readonly account: Account
  /** What the wallet holds. */
  readonly balanceMicros: bigint
}

/** Something that has just happened and has to be read first. */
export interface Notice {
  readonly kind: 'good' | 'bad'
  readonly text: string
}

/** Read first, by eye and by ear: the browser puts the focus on it. */
export function noticePart(notice: Notice | undefined): Html | undefined {
  if (notice === undefined) return undefined
  const role = notice.kind === 'bad' ? 'alert' : 'status'
  return html`<p class="notice ${notice.kind}" role="${role}" tabindex="-1" autofocus>${notice.text}</p>`
}

/** Who is signed in, and the way out; `invoice` is where one comes back to. */
export function visitorPart(visitor: Visitor, invoice: string | undefined): Html {
  return html`<section aria-labelledby="you">
<h2 id="you">Signed in</h2>
<p>As ${visitor.email}, for ${visitor.account.name}.</p>
<form method="post" action="${billingAddress(invoice)}">
<input type="hidden" name="action" value="sign-out">
<button class="quiet" type="submit">Sign out</button>
</form>
</section>`
}

/** The page of an invoice, or that of all of them. */
export function billingAddress(invoice: string | undefined): string {
  return invoice === undefined ? '/billing' : `/billing?invoice=${encodeURIComponent(invoice)}`
}

/** `5.00 USD`, with the decimals of the currency. */
export function money(micros: bigint, currency: string): string {
  return `${formatAmount(micros, currencyDecimals(currency))} ${currency}`
}

/** The day of an instant where the account is. */
export function day(at: Date, account: Account): Html {
  const text = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'long',
    timeZone: account.timeZone,
  }).format(at)
  return html`<time datetime="${at.toISOString()}">${text}</time>`
}
