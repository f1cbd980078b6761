import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FieldProblem, Refusal, RefusalCode } from '../../core/refusal.ts'

/**
 * What each refusal of the core is here. 422 says that a field is wrong, 400 that what was asked
 * is not possible now. The status of `invalid_input` without a field (a body that is no JSON) is
 * 400 too.
 */
const STATUS = {
  unauthorized: 401,
  insufficient_scope: 403,
  rate_limited: 429,
  unknown_action: 404,
  invalid_input: 422,
  too_many_ids: 422,
  idempotency_key_invalid: 400,
  idempotency_key_reused: 409,
  not_found: 404,
  service_not_found: 404,
  order_not_found: 404,
  type_not_orderable: 400,
  feature_unavailable: 400,
  order_not_cancelable: 400,
  order_not_refillable: 400,
  refill_not_found: 404,
  link_active: 400,
  invalid_state: 400,
  conflict: 400,
  currency_fixed: 400,
  insufficient_funds: 400,
  refund_exceeds_charge: 400,
  payload_too_large: 413,
  existing_invoice_blocking: 400,
  already_paid: 400,
  not_sold: 400,
  resource_locked: 423,
  payment_reversed: 400,
  provider_error: 500,
  internal_error: 500,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>

/** Texts of this API; every other refusal says itself what to change. */
const TEXTS: Partial<Record<RefusalCode, string>> = {
  unauthorized: 'Unauthenticated.',
}

/** The status and the message that a refusal is answered with. */
export function vpsbgRefused(refusal: Refusal): { status: number; text: string } {
  if (refusal.code === 'invalid_input' && refusal.fields.length === 0) {
    return { status: 400, text: refusal.detail }
  }
  return { status: STATUS[refusal.code], text: TEXTS[refusal.code] ?? messageOf(refusal) }
}

/** Answers `refusal`: `{"message", "errors" (422 alone), "code", "request_id"}`. */
export async function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): Promise<void> {
  const { status, text: message } = vpsbgRefused(refusal)
  if (refusal.retryAfterSeconds !== undefined) {
    reply.header('retry-after', refusal.retryAfterSeconds)
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  await reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(
      JSON.stringify({
        message,
        ...(status === 422 ? { errors: errorsOf(refusal) } : {}),
        code: refusal.code,
        request_id: request.id,
      }),
    )
}

/** The first wrong field's text, and how many more there are. */
function messageOf(refusal: Refusal): string {
  const texts = Object.values(errorsOf(refusal)).flat()
  const more = texts.length - 1
  if (more < 0) return refusal.detail
  if (more === 0) return texts[0]!
  return `${texts[0]} (and ${more} more error${more === 1 ? '' : 's'})`
}

function errorsOf(refusal: Refusal): Record<string, string[]> {
  const errors: Record<string, string[]> = {}
  for (const field of refusal.fields) {
    const name = nameOf(field)
    errors[name] = [...(errors[name] ?? []), textOf(name, field.detail)]
  }
  return errors
}

/** `/server_ids/0` as `server_ids.0`. What is wrong as a whole is the body. */
function nameOf({ pointer }: FieldProblem): string {
  const names = pointer.split('/').slice(1)
  if (names.length === 0) return 'body'
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~')).join('.')
}

/** What is said of a field stands after its name; a sentence of its own stays one. */
function textOf(name: string, detail: string): string {
  if (!/^(is|has|must|may|contains|does|needs)\b/.test(detail)) return detail
  const text = `The ${name.replaceAll('_', ' ')} field ${asSentence(detail)}`
  return text.endsWith('.') ? text : `${text}.`
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'an integer',
  object: 'an object',
  string: 'a string',
}

/** What a schema says of a value, as one would say it. That it may be null need not be said. */
function asSentence(detail: string): string {
  const types = /^must be (?:either )?(\w+)(?: or (\w+))?$/.exec(detail)?.slice(1)
  const known = types?.flatMap((type) => TYPES[type ?? ''] ?? [])
  if (known !== undefined && known.length > 0) return `must be ${known.join(' or ')}`
  return detail
    .replace(/^must be >= /, 'must be at least ')
    .replace(/^must be <= /, 'must be at most ')
    .replace(/^must not have fewer than (\d+ (?:item|character)s)$/, 'must have at least $1')
    .replace(/^must not have more than (\d+ (?:item|character)s)$/, 'must have at most $1')
    .replace(/ 1 (item|character)s$/, ' 1 $1')
}
