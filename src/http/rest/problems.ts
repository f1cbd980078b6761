import type { RefusalCode } from '../../core/refusal.ts'

/** A kind of problem as a client of the REST APIs sees it: it branches on `code`. */
export interface ProblemKind {
  readonly status: number
  readonly code: string
  readonly title: string
}

const INVALID = { status: 400, code: 'invalid_request', title: 'Validation failed' }
const MISSING = { status: 404, code: 'not_found', title: 'Not found' }
const STATE = { status: 409, code: 'invalid_state', title: 'Not possible in this state' }
const PROVIDER = { status: 502, code: 'provider_error', title: 'The provider failed' }
const REUSED = {
  status: 409,
  code: 'idempotency_key_reused',
  title: 'Idempotency key used before',
}

/** What each refusal of the core is over HTTP. Source: the VPS API's problem codes. */
export const PROBLEMS = {
  unauthorized: { status: 401, code: 'unauthorized', title: 'Not signed in' },
  insufficient_scope: { status: 403, code: 'insufficient_scope', title: 'Not allowed' },
  rate_limited: { status: 429, code: 'rate_limited', title: 'Too many requests' },
  unknown_action: MISSING,
  invalid_input: INVALID,
  too_many_ids: INVALID,
  idempotency_key_invalid: INVALID,
  idempotency_key_reused: REUSED,
  not_found: MISSING,
  service_not_found: MISSING,
  order_not_found: MISSING,
  type_not_orderable: STATE,
  feature_unavailable: { status: 501, code: 'feature_unavailable', title: 'Not available yet' },
  order_not_cancelable: STATE,
  order_not_refillable: STATE,
  refill_not_found: MISSING,
  link_active: STATE,
  invalid_state: STATE,
  conflict: { status: 409, code: 'conflict', title: 'Exists already' },
  currency_fixed: STATE,
  insufficient_funds: { status: 402, code: 'insufficient_funds', title: 'Not enough money' },
  refund_exceeds_charge: {
    status: 409,
    code: 'refund_exceeds_charge',
    title: 'More than was charged',
  },
  existing_invoice_blocking: {
    status: 409,
    code: 'existing_invoice_blocking',
    title: 'An unpaid invoice exists',
  },
  already_paid: STATE,
  not_sold: STATE,
  resource_locked: { status: 423, code: 'resource_locked', title: 'Locked' },
  payment_reversed: PROVIDER,
  payload_too_large: { status: 413, code: 'payload_too_large', title: 'Body too large' },
  provider_error: PROVIDER,
  unavailable: { status: 503, code: 'unavailable', title: 'Not available at the moment' },
  internal_error: { status: 500, code: 'internal_error', title: 'Internal error' },
} as const satisfies Record<RefusalCode, ProblemKind>
