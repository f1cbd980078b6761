import type { RefusalCode } from '../../core/refusal.ts'
import { CUSTOMER_COOKIE } from '../../http/rest/session-cookie.ts'
import { type DescribedRoute, pathsOf, tagsOf } from '../../http/route-openapi.ts'
import type { OpenApiDocument } from '../../lib/openapi-document.ts'
import { NAMED_PROBLEMS, PROBLEM_NAMES } from './problem-responses.ts'

export const HOSTUP_TITLE = 'HostUp'

const PREFIXES = ['/api/v2/', '/api/jobs/']

/** The document of HostUp's API, from its routes among `routes`. */
export function hostupDocument(
  routes: readonly DescribedRoute[],
  version: string,
): OpenApiDocument {
  const own = routes.filter(({ url }) => PREFIXES.some((prefix) => url.startsWith(prefix)))
  return {
    openapi: '3.1.0',
    info: {
      title: HOSTUP_TITLE,
      version,
      summary: "HostUp's API v2: servers, their renewal, invoices and the wallet.",
      description: `JSON over HTTP. Send a key as \`Authorization: Bearer …\`; a call needs its scope. A signed-in customer's cookie \`${CUSTOMER_COOKIE}\` works too, from this site's own pages alone.

Objects come bare. Lists answer \`data\`, \`hasMore\` and \`nextCursor\`; send the latter as \`cursor\` for the next page. The activity of the wallet has \`entries\` instead of \`data\`.

Ids are \`vps_\`, \`inv_\` and the like with 26 characters; the number of an object is taken too. Amounts are exact JSON numbers with tax, in \`currencyCode\`. Instants are UTC with milliseconds.

A body's unknown fields are refused. An absent body is \`{}\`, whatever the content type.

Errors are Problem Details (RFC 9457): branch on \`code\`; \`type\` links to a page that says what to change; \`errors\` names each wrong field by JSON pointer. What belongs to another account is answered with 404, as if it did not exist.

\`actions\` of a VPS and of an invoice say what can be done with it now, and why not. What this version does not have is answered with 501 \`feature_unavailable\`, as they say: switching a VPS on and off, its host name, backups, another cycle or plan; and orders, adding funds, tickets.

Every write takes \`Idempotency-Key\`: sent again with the same body it does nothing twice and answers the same, with \`Idempotent-Replayed: true\`. With another body it is refused. Keys are kept for 30 days.

A key may send 600 requests a minute; the \`X-RateLimit-*\` headers count along.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(own),
    paths: pathsOf(own, PROBLEM_NAMES),
    components: {
      responses: NAMED_PROBLEMS,
      securitySchemes: {
        customerKey: { type: 'http', scheme: 'bearer' },
        customerSession: { type: 'apiKey', in: 'cookie', name: CUSTOMER_COOKIE },
      },
    },
  }
}

/** What only orders of the panels and operators can be refused with. */
const OF_OTHERS: ReadonlySet<RefusalCode> = new Set([
  'unknown_action',
  'too_many_ids',
  'service_not_found',
  'order_not_found',
  'type_not_orderable',
  'order_not_cancelable',
  'order_not_refillable',
  'refill_not_found',
  'link_active',
  'conflict',
  'currency_fixed',
  'refund_exceeds_charge',
  'resource_locked',
])

/** Whether this API can answer with it. */
export function isOfHostup(code: RefusalCode): boolean {
  return !OF_OTHERS.has(code)
}
