import { type TSchema, Type } from 'typebox'
import type { RefusalCode } from '../../core/refusal.ts'
import type { Scope } from '../../core/scope.ts'
import { requires } from '../../http/rest/caller.ts'
import { IdempotencyHeader } from '../../http/rest/shapes.ts'

/** What OpenAPI says of a route, beside its shapes. */
interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tag: 'Servers' | 'Orders' | 'Balance' | 'Invoices'
  /** What the key has to be allowed. */
  readonly scope: Scope
}

/** A route that reads: its answer is 200. */
export function reading<const T extends Record<string, unknown>>(
  text: RouteText,
  shapes: T & { readonly answer: TSchema },
) {
  const { answer, ...rest } = shapes
  return {
    onRequest: requires(text.scope),
    schema: { ...described(text), ...rest, response: { 200: answer, ...READ_ERRORS } },
  }
}

/** A route that changes something; it takes an `Idempotency-Key`. No answer is 204. */
export function writing<const T extends Record<string, unknown>>(
  text: RouteText,
  shapes: T & { readonly answer: TSchema | null },
) {
  const { answer, ...rest } = shapes
  const success = answer === null ? { 204: Type.Null() } : { 200: answer }
  return {
    onRequest: requires(text.scope),
    schema: {
      ...described(text),
      headers: IdempotencyHeader,
      ...rest,
      response: { ...success, ...ERROR_RESPONSES },
    },
  }
}

function described({ operationId, summary, description, tag, scope }: RouteText) {
  const needs = `Needs the scope \`${scope}\`.`
  return {
    operationId,
    summary,
    description: description === undefined ? needs : `${description}\n\n${needs}`,
    tags: [tag],
    security: [{ customerKey: [] }],
  }
}

const ErrorShape = Type.Object({
  message: Type.String({ description: 'What is wrong, for people' }),
  errors: Type.Optional(
    Type.Record(Type.String(), Type.Array(Type.String()), {
      description: 'What is wrong with each field; only with 422',
    }),
  ),
  code: Type.String({ description: 'What is wrong, for programs: its page is `/errors/<code>`' }),
  request_id: Type.String(),
})

/** What is answered, by status: in which codes, and what that means. */
const ERRORS: Readonly<Record<string, { text: string; codes: readonly RefusalCode[] }>> = {
  '400': {
    text: 'Not possible now, or no JSON; the message says why.',
    codes: [
      'already_paid',
      'existing_invoice_blocking',
      'idempotency_key_invalid',
      'insufficient_funds',
      'invalid_input',
      'invalid_state',
      'not_sold',
      'payment_reversed',
    ],
  },
  '401': { text: 'The key is missing, unknown or disabled.', codes: ['unauthorized'] },
  '403': { text: 'The key lacks the scope.', codes: ['insufficient_scope'] },
  '404': { text: 'What the path names does not exist.', codes: ['not_found'] },
  '409': { text: 'The idempotency key is taken.', codes: ['idempotency_key_reused'] },
  '413': { text: 'More than 1 MiB.', codes: ['payload_too_large'] },
  '422': { text: 'A field is wrong; `errors` says which.', codes: ['invalid_input'] },
  '423': { text: 'An action on it is running; try again.', codes: ['resource_locked'] },
  '429': { text: 'Wait for the seconds in `Retry-After`.', codes: ['rate_limited'] },
  '500': { text: 'Not your fault.', codes: ['internal_error', 'provider_error'] },
  '503': { text: 'Wait for the seconds in `Retry-After`.', codes: ['unavailable'] },
}

/** Every route's answers beside its own; the document writes each once. */
export const ERROR_RESPONSES = Object.fromEntries(
  Object.entries(ERRORS).map(([status, { text, codes }]) => {
    const links = codes.map((code) => `${status} \`${code}\``).join(', ')
    const content = { 'application/json': { schema: ErrorShape } }
    return [status, { description: `${text} ${links}`, content }]
  }),
)

/** What only happens to requests that change something. */
const OF_WRITES = ['409', '423']
const READ_ERRORS = Object.fromEntries(
  Object.entries(ERROR_RESPONSES).filter(([status]) => !OF_WRITES.includes(status)),
)
