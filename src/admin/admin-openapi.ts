import { PROBLEM_COMPONENTS, SHARED_PROBLEMS } from '../http/rest/problem-openapi.ts'
import { OPERATOR_COOKIE } from '../http/rest/session-cookie.ts'
import { type DescribedRoute, pathsOf, tagsOf } from '../http/route-openapi.ts'
import type { OpenApiDocument } from '../lib/openapi-document.ts'

const PREFIX = '/admin/v1/'

/** The operator API's document, from its routes among `routes`. */
export function adminDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const own = routes.filter(({ url }) => url.startsWith(PREFIX))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Operator API',
      version,
      summary:
        'Customers, keys, services, orders, plans, servers, bills, books: everything an operator does.',
      description: `JSON over HTTP. Send an operator's key as \`Authorization: Bearer …\`, or sign in with \`POST /admin/v1/session\` and keep the cookie. The key of a customer gets 403.

Fields are snake_case. Ids are numbers as text; amounts are decimals as text, never floats. Instants are UTC.

Lists answer \`data\`, \`hasMore\` and \`nextCursor\`; send the latter as \`cursor\` for the next page.

Every write takes \`Idempotency-Key\`: sent again with the same body it does nothing twice and answers the same, with \`Idempotent-Replayed: true\`. With another body it is refused. Keys are kept for 30 days.

Errors are Problem Details (RFC 9457): branch on \`code\`; \`type\` links to a page that says what to change; \`errors\` names each wrong field by JSON pointer.

A key may send 600 requests a minute; the \`RateLimit-*\` headers count along.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(own),
    paths: pathsOf(own, SHARED_PROBLEMS),
    components: {
      responses: PROBLEM_COMPONENTS,
      securitySchemes: {
        operatorKey: { type: 'http', scheme: 'bearer' },
        operatorSession: { type: 'apiKey', in: 'cookie', name: OPERATOR_COOKIE },
      },
    },
  }
}
