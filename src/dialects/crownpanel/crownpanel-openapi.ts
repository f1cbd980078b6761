import type { RenewalPayment } from '../../core/billing/paying/pay-server-renewal.ts'
import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import { formContent, REPLAYED_HEADER, schemaRef } from '../../http/form-openapi.ts'
import type {
  ActionText,
  JsonSchema,
  OpenApiDocument,
  OpenApiResponse,
} from '../../lib/openapi-document.ts'
import { crownpanelRefused, refusalAnswer } from './crownpanel-refusals.ts'
import { Refused } from './crownpanel-schemas.ts'
import { CROWNPANEL_ERRORS, CROWNPANEL_QUERIES, type QueryText } from './crownpanel-text.ts'
import { LATER_QUERIES } from './later-queries.ts'
import { renewalAnswer } from './renewal-answer.ts'

export const CROWNPANEL_TITLE = 'CrownPanel API'

const EVERYWHERE = [
  'unauthorized',
  'rate_limited',
  'unknown_action',
  'feature_unavailable',
  'payload_too_large',
  'internal_error',
  'unavailable',
] as const satisfies readonly (keyof typeof CROWNPANEL_ERRORS)[]

const DESCRIPTION = `Send every request as POST to the root with a form: \`API_KEY\` and \`QUERY\` always, and the fields of the query. Names may be in lower case; multipart and JSON bodies are taken too.

Every answer comes with HTTP 200, errors too: look at \`query_status\` and \`query_result\`. Only too many requests are a 429, with \`Retry-After\`. A query that reads answers its data alone, and the same error object where it is refused.

Amounts have two decimals and include tax; the currency is the account's. Instants are seconds since 1970 as text. Ids are numbers as text; a server or an invoice also goes by its public id.

Name a renewal with the header \`Idempotency-Key\` (or the field \`IDEMPOTENCY_KEY\`) and you can send it again after a lost connection: it is paid once, and the repeat gets the first answer. A name is kept for 30 days.

A key may send 600 requests a minute; the \`RateLimit-*\` headers count along.

Not in this version, and answered "This is not available yet.": ${[...LATER_QUERIES].map((query) => `\`${query}\``).join(', ')}.`

/** The document of CrownPanel's API: one path, one schema for each query and answer. */
export function crownpanelDocument(version: string): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: CROWNPANEL_TITLE,
      version,
      summary: 'Servers and their renewal by form: renew_service, list_vms, balance, …',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/': {
        post: {
          operationId: 'crownpanel',
          summary: 'Every query of this API',
          requestBody: { required: true, content: requestContent() },
          responses: { '200': okResponse(), '429': tooMany() },
          'x-actions': CROWNPANEL_QUERIES.map(actionText),
        },
      },
    },
    components: { schemas: schemas() },
  }
}

function requestContent() {
  const requests = CROWNPANEL_QUERIES.map(({ request }) => request)
  return formContent(
    { oneOf: requests.map(({ name }) => schemaRef(name)) },
    new Map(requests.map(({ name, example }) => [name, { API_KEY: 'YOUR_API_KEY', ...example }])),
  )
}

function okResponse(): OpenApiResponse {
  const answers = CROWNPANEL_QUERIES.flatMap((query) => query.answers)
  const isList = ({ example }: { example: unknown }) => Array.isArray(example)
  const refs = (of: typeof answers) => of.map(({ name }) => schemaRef(name))
  return {
    description: 'What the query answers, or why it was refused.',
    headers: REPLAYED_HEADER,
    content: {
      'application/json': {
        schema: {
          oneOf: [
            ...refs(answers.filter((answer) => !isList(answer))),
            // An empty list is a list of each of them.
            { anyOf: refs(answers.filter(isList)) },
            schemaRef('Error'),
          ],
        },
        examples: {
          ...Object.fromEntries(answers.map(({ name, example }) => [name, { value: example }])),
          Error: { value: refusalAnswer('renew_service', refused('unauthorized').text) },
        },
      },
    },
  }
}

function tooMany(): OpenApiResponse {
  const { text } = refused('rate_limited')
  return {
    description: CROWNPANEL_ERRORS.rate_limited.when,
    headers: {
      'retry-after': { description: 'Seconds to wait', schema: { type: 'integer' } },
    },
    content: {
      'application/json': {
        schema: schemaRef('Error'),
        examples: { rate_limited: { value: refusalAnswer('renew_service', text) } },
      },
    },
  }
}

function actionText({ query, title, description, ...text }: QueryText): ActionText {
  const { request, answers } = text
  return {
    field: 'QUERY',
    action: query,
    title,
    description,
    requests: [{ title: 'Fields', schema: request.name, example: request.name }],
    answers: answers.map(({ description, name }) => ({ description, schema: name, example: name })),
    errors: [...EVERYWHERE, ...text.refuses].map((code) => {
      const { status, text: error } = refused(code)
      return { status, error, code, when: CROWNPANEL_ERRORS[code].when }
    }),
  }
}

/** What became of a renewal, by what the core calls it. */
const RENEWALS: Partial<Record<RefusalCode, RenewalPayment['kind']>> = {
  already_paid: 'already_paid',
  insufficient_funds: 'insufficient_funds',
  invalid_state: 'not_renewable',
  payment_reversed: 'reversed',
}

/** How this API tells a refusal; undefined where it never has to. */
export function crownpanelAnswer(code: RefusalCode): { status: number; text: string } | undefined {
  const kind = RENEWALS[code]
  if (kind === undefined) return isOfCrownPanel(code) ? refused(code) : undefined
  const example = { invoiceId: null, amountMicros: 5_000_000n, currency: 'USD', kind }
  return { status: 200, text: renewalAnswer('renew_service', example).query_result }
}

function isOfCrownPanel(code: RefusalCode): code is keyof typeof CROWNPANEL_ERRORS {
  return Object.hasOwn(CROWNPANEL_ERRORS, code)
}

function refused(code: keyof typeof CROWNPANEL_ERRORS) {
  const { detail }: { readonly when: string; readonly detail?: string } = CROWNPANEL_ERRORS[code]
  return crownpanelRefused(new Refusal(code, detail === undefined ? {} : { detail }))
}

function schemas(): Record<string, JsonSchema> {
  const byName: Record<string, unknown> = {}
  for (const { request, answers } of CROWNPANEL_QUERIES) {
    byName[request.name] = request.schema
    for (const { name, schema } of answers) byName[name] = schema
  }
  byName.Error = Refused
  return byName as Record<string, JsonSchema>
}
