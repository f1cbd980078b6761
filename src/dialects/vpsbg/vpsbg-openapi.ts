import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import { type DescribedRoute, pathsOf } from '../../http/route-openapi.ts'
import type { OpenApiDocument } from '../../lib/openapi-document.ts'
import { ALIKE } from './error-responses.ts'
import { vpsbgRefused } from './vpsbg-errors.ts'

export const VPSBG_TITLE = 'VPSBG API'

const PREFIX = '/v1/'

/** The document of VPSBG's API, from its routes among `routes`. */
export function vpsbgDocument(routes: readonly DescribedRoute[], version: string): OpenApiDocument {
  const own = routes.filter(({ url }) => url.startsWith(PREFIX))
  const tags = [...new Set(own.flatMap(({ schema }) => schema.tags))]
  return {
    openapi: '3.1.0',
    info: {
      title: VPSBG_TITLE,
      version,
      summary: 'Servers and their renewals, orders, the balance and invoices.',
      description: `JSON over HTTP. Send your key as \`Authorization: Bearer …\`. A key with \`read:all\` may read everything, one with \`write:all\` may do everything else.

Ids are numbers; where a server is named, its public id (\`vps_…\`) does as well. Instants are UTC with microseconds; \`period_from\` and \`period_to\` are Unix seconds.

Amounts are JSON numbers, \`amount\` before VAT and \`amount_with_vat\` after. The amounts of an order's services add up to the order's, and those are its invoice's. What moves in the balance is with VAT.

Lists take \`page\` and \`per_page\` (up to 50) and answer \`data\`, \`links\` and \`meta\`.

Fields that are not known are ignored, in bodies and in queries; a path may end with a slash.

Every write takes \`Idempotency-Key\`: sent again with the same fields it does nothing twice and answers the same, with \`Idempotent-Replayed: true\`. Keys are kept for 30 days.

Errors carry \`message\` for people and \`code\` for programs. 422 names each wrong field in \`errors\`; 400 says why something is not possible now; 423 asks to try again.

A key may send 600 requests a minute; the \`RateLimit-*\` headers count along.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tags.map((name) => ({ name })),
    paths: pathsOf(
      own,
      new Map([...ALIKE].map(([status, response]) => [response, nameOf(status)])),
    ),
    components: {
      responses: Object.fromEntries(
        [...ALIKE].map(([status, response]) => [nameOf(status), response]),
      ),
      securitySchemes: { customerKey: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function nameOf(status: string): string {
  return `Error${status}`
}

/** How this API tells a refusal: its programs go by the code, people by a message. */
export function vpsbgAnswer(code: RefusalCode): { status: number; text: string } | undefined {
  if (OF_OTHERS.has(code)) return undefined
  const fields =
    code === 'invalid_input' ? [{ pointer: '/x', detail: '', code: 'invalid_value' as const }] : []
  return { status: vpsbgRefused(new Refusal(code, { fields })).status, text: code }
}

/** What only orders of the panels and operators can be refused with. */
const OF_OTHERS: ReadonlySet<RefusalCode> = new Set([
  'unknown_action',
  'too_many_ids',
  'service_not_found',
  'order_not_found',
  'type_not_orderable',
  'feature_unavailable',
  'order_not_cancelable',
  'order_not_refillable',
  'refill_not_found',
  'link_active',
  'conflict',
  'currency_fixed',
  'refund_exceeds_charge',
])
