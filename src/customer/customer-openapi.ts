import type { RefusalCode } from '../core/refusal.ts'
import { PROBLEM_COMPONENTS, SHARED_PROBLEMS } from '../http/rest/problem-openapi.ts'
import { CUSTOMER_COOKIE } from '../http/rest/session-cookie.ts'
import { type DescribedRoute, pathsOf, tagsOf } from '../http/route-openapi.ts'
import type { OpenApiDocument } from '../lib/openapi-document.ts'

export const CUSTOMER_TITLE = 'Customer API'

const PREFIX = '/customer/v1/'
const SESSION_PATH = '/session'

/** The customer API's document, with the session's, from its routes among `routes`. */
export function customerDocument(
  routes: readonly DescribedRoute[],
  version: string,
): OpenApiDocument {
  const own = routes.filter(({ url }) => url.startsWith(PREFIX) || url === SESSION_PATH)
  return {
    openapi: '3.1.0',
    info: {
      title: CUSTOMER_TITLE,
      version,
      summary:
        'An account beside the panel APIs: its orders, many at once and as a file, what became of them, and webhooks.',
      description: `JSON over HTTP. Send a key of the account as \`Authorization: Bearer …\`; a call needs its scope. Somebody who signed in with \`POST /session\` is known by the cookie \`${CUSTOMER_COOKIE}\`, from this site's own pages alone.

Fields are snake_case. Ids are numbers as text; amounts are decimals as text, never floats. Instants are UTC.

Lists answer \`data\`, \`hasMore\` and \`nextCursor\`; send the latter as \`cursor\` for the next page.

Every write takes \`Idempotency-Key\`: sent again with the same body it does nothing twice and answers the same, with \`Idempotent-Replayed: true\`. With another body it is refused. Keys are kept for 30 days.

Errors are Problem Details (RFC 9457): branch on \`code\`; \`type\` links to a page that says what to change; \`errors\` names each wrong field by JSON pointer. What belongs to another account is answered with 404, as if it did not exist.

A key may send 600 requests a minute, and all sessions of an account together as many; the \`RateLimit-*\` headers count along.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(own),
    paths: pathsOf(own, SHARED_PROBLEMS),
    components: {
      responses: PROBLEM_COMPONENTS,
      securitySchemes: {
        customerKey: { type: 'http', scheme: 'bearer' },
        customerSession: { type: 'apiKey', in: 'cookie', name: CUSTOMER_COOKIE },
      },
    },
  }
}

/** What only the panels, operators, and who pays bills can be refused with. */
const OF_OTHERS: ReadonlySet<RefusalCode> = new Set([
  'unknown_action',
  'currency_fixed',
  'refund_exceeds_charge',
  'existing_invoice_blocking',
  'already_paid',
  'not_sold',
  'resource_locked',
  'payment_reversed',
])

/** Whether this API can answer with it. */
export function isOfCustomer(code: RefusalCode): boolean {
  return !OF_OTHERS.has(code)
}
