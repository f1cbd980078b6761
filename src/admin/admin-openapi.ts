import { PROBLEMS, type ProblemKind } from '../http/rest/problems.ts'
import { CUSTOMER_COOKIE, OPERATOR_COOKIE } from '../http/rest/session-cookie.ts'
import { PROBLEM_RESPONSES } from '../http/rest/shapes.ts'
import { type DescribedRoute, pathsOf } from '../http/route-openapi.ts'
import type { OpenApiDocument, OpenApiResponse } from '../lib/openapi-document.ts'

const PREFIX = '/admin/v1/'
const CUSTOMER_PATH = '/session'

/** The operator API's document, from its routes among `routes`. */
export function adminDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const own = routes.filter(({ url }) => url.startsWith(PREFIX))
  return {
    openapi: '3.1.0',
    info: {
      title: 'Operator API',
      version,
      summary: 'Customers, keys, catalogue, orders, books and events: everything an operator does.',
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
    paths: pathsOf(own, SHARED),
    components: {
      responses: RESPONSES,
      securitySchemes: {
        operatorKey: { type: 'http', scheme: 'bearer' },
        operatorSession: { type: 'apiKey', in: 'cookie', name: OPERATOR_COOKIE },
      },
    },
  }
}

/** The document of the customers' own session, from its routes among `routes`. */
export function customerDocument(
  routes: readonly DescribedRoute[],
  version: string,
): OpenApiDocument {
  const own = routes.filter(({ url }) => url === CUSTOMER_PATH)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Customer session',
      version,
      summary: 'A customer signs in, asks who is signed in, and signs out.',
      description:
        'JSON over HTTP, with a cookie that scripts cannot read. Programs use an API key with the ' +
        'panel APIs instead.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tagsOf(own),
    paths: pathsOf(own, SHARED),
    components: {
      responses: RESPONSES,
      securitySchemes: {
        customerSession: { type: 'apiKey', in: 'cookie', name: CUSTOMER_COOKIE },
      },
    },
  }
}

/** The kinds of problems whose status begins with `digit`, as one text. */
function kinds(digit: 4 | 5): string {
  const found = new Map<string, ProblemKind>()
  for (const kind of Object.values(PROBLEMS)) {
    if (Math.floor(kind.status / 100) === digit) found.set(kind.code, kind)
  }
  return [...found.values()]
    .sort((a, b) => a.status - b.status)
    .map(({ status, code }) => `${status} \`${code}\``)
    .join(', ')
}

const SHARED: ReadonlyMap<unknown, string> = new Map([
  [PROBLEM_RESPONSES['4xx'], 'CallerProblem'],
  [PROBLEM_RESPONSES['5xx'], 'ServerProblem'],
])
const RESPONSES = {
  CallerProblem: problem(PROBLEM_RESPONSES['4xx'], 4),
  ServerProblem: problem(PROBLEM_RESPONSES['5xx'], 5),
} as const

function problem(response: { description: string; content: object }, digit: 4 | 5) {
  const { description, content } = response
  return { description: `${description} ${kinds(digit)}.`, content } as OpenApiResponse
}

function tagsOf(routes: readonly DescribedRoute[]): { name: string }[] {
  return [...new Set(routes.flatMap(({ schema }) => schema.tags))].map((name) => ({ name }))
}
