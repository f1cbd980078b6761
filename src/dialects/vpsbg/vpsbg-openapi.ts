import { type DescribedRoute, pathsOf } from '../../http/route-openapi.ts'
import type { OpenApiDocument, OpenApiResponse } from '../../lib/openapi-document.ts'
import { ERROR_RESPONSES } from './route-options.ts'

const PREFIX = '/v1/'

/** The document of VPSBG's API, from its routes among `routes`. */
export function vpsbgDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const own = routes.filter(({ url }) => url.startsWith(PREFIX))
  const tags = [...new Set(own.flatMap(({ schema }) => schema.tags))]
  return {
    openapi: '3.1.0',
    info: {
      title: 'VPSBG API',
      version,
      summary: 'Servers and their renewals, orders, the balance and invoices.',
      description: `JSON over HTTP. Send your key as \`Authorization: Bearer …\`. A key with \`read:all\` may read everything, one with \`write:all\` may do everything else.

Ids are numbers; where a server is named, its public id (\`vps_…\`) does as well. Instants are UTC with microseconds; \`period_from\` and \`period_to\` are Unix seconds.

Amounts are JSON numbers, \`amount\` before VAT and \`amount_with_vat\` after. The amounts of an order's services add up to the order's, and those are its invoice's. What moves in the balance is with VAT.

Lists take \`page\` and \`per_page\` (up to 50) and answer \`data\`, \`links\` and \`meta\`.

Every write takes \`Idempotency-Key\`: sent again with the same fields it does nothing twice and answers the same, with \`Idempotent-Replayed: true\`. Keys are kept for 30 days.

Errors carry \`message\` for people and \`code\` for programs. 422 names each wrong field in \`errors\`; 400 says why something is not possible now; 423 asks to try again.

A key may send 600 requests a minute; the \`RateLimit-*\` headers count along.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tags.map((name) => ({ name })),
    paths: pathsOf(own, SHARED),
    components: {
      responses: Object.fromEntries(
        Object.entries(ERROR_RESPONSES).map(([status, response]) => [
          nameOf(status),
          response as OpenApiResponse,
        ]),
      ),
      securitySchemes: { customerKey: { type: 'http', scheme: 'bearer' } },
    },
  }
}

const SHARED: ReadonlyMap<unknown, string> = new Map(
  Object.entries(ERROR_RESPONSES).map(([status, response]) => [response, nameOf(status)]),
)

function nameOf(status: string): string {
  return `Error${status}`
}
