import { Type } from 'typebox'
import { problemResponse } from '../../http/rest/shapes.ts'
import type { OpenApiResponse } from '../../lib/openapi-document.ts'

/** The problems that routes answer with, by status: the name in the document, and what is said. */
const PROBLEMS = {
  400: [
    'InvalidRequest',
    'The request is not valid; `errors` names each wrong field. 400 `invalid_request`',
  ],
  401: ['Unauthorized', 'Authentication is required. 401 `unauthorized`'],
  402: ['InsufficientFunds', 'The wallet is too low; nothing was taken. 402 `insufficient_funds`'],
  403: ['Forbidden', 'The caller lacks the scope. 403 `insufficient_scope`'],
  404: ['NotFound', "The resource does not exist, or is another account's. 404 `not_found`"],
  409: [
    'Conflict',
    'Not possible in this state, 409 `invalid_state`, or the idempotency key stands for another ' +
      'request, 409 `idempotency_key_reused`',
  ],
  413: ['PayloadTooLarge', 'More than 1 MiB. 413 `payload_too_large`'],
  429: [
    'RateLimited',
    'Retry after the seconds in `Retry-After`; the `X-RateLimit-*` headers tell the limit. ' +
      '429 `rate_limited`',
  ],
  500: [
    'InternalError',
    'Retry later or contact support if the issue persists. 500 `internal_error`',
  ],
  502: ['ProviderError', 'The provider refused, or did not answer. 502 `provider_error`'],
  503: ['Unavailable', 'Try again after the seconds in `Retry-After`. 503 `unavailable`'],
} as const

type Status = keyof typeof PROBLEMS

const RESPONSES = Object.fromEntries(
  Object.entries(PROBLEMS).map(([status, [, text]]) => [
    status,
    problemResponse(text, Type.Object({})),
  ]),
) as unknown as Readonly<Record<Status, OpenApiResponse>>

/** The responses of these statuses; the same object for each route, so that they are shared. */
export function problems(statuses: readonly Status[]): Record<string, OpenApiResponse> {
  return Object.fromEntries(statuses.map((status) => [status, RESPONSES[status]]))
}

/** What each of them is called in the document, where it is written once. */
export const PROBLEM_NAMES: ReadonlyMap<unknown, string> = new Map(
  statusesKnown().map((status) => [RESPONSES[status], PROBLEMS[status][0]]),
)
export const NAMED_PROBLEMS: Readonly<Record<string, OpenApiResponse>> = Object.fromEntries(
  statusesKnown().map((status) => [PROBLEMS[status][0], RESPONSES[status]]),
)

function statusesKnown(): Status[] {
  return Object.keys(PROBLEMS).map(Number) as Status[]
}
