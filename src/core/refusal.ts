/** Every expected "no". Codes are public: never renamed, never reused. */
export const REFUSALS = {
  unauthorized: 'The key or session is missing, unknown or disabled.',
  insufficient_scope: 'This API key is not allowed to do that.',
  rate_limited: 'Too many requests; try again later.',
  unknown_action: 'There is no such action.',
  invalid_input: 'The request is not valid.',
  too_many_ids: 'Too many ids in one request.',
  idempotency_key_invalid: 'An idempotency key is 1 to 255 printable ASCII characters.',
  idempotency_key_reused: 'Idempotency key was used for another request.',
  not_found: 'No such object.',
  service_not_found: 'No such service.',
  order_not_found: 'No such order.',
  type_not_orderable: 'This service cannot be ordered through the API.',
  feature_unavailable: 'This is not available yet.',
  order_not_cancelable: 'Order cannot be canceled.',
  order_not_refillable: 'Order cannot be refilled.',
  refill_not_found: 'Refill not found.',
  link_active: 'The account has an active order for this link.',
  invalid_state: 'The object is not in a state that allows this.',
  conflict: 'An object like this exists already.',
  currency_fixed: 'The currency is fixed by the first transfer.',
  insufficient_funds: 'The balance is too low.',
  refund_exceeds_charge: 'More would be refunded than was charged.',
  payload_too_large: 'The request body is too large.',
  existing_invoice_blocking: 'An unpaid invoice for the next period exists already.',
  already_paid: 'This has been paid already.',
  not_sold: 'This is not sold in this currency or for this billing cycle.',
  resource_locked: 'The resource is locked while an action on it is running; try again.',
  payment_reversed: 'The provider refused. The money is back in the wallet.',
  provider_error: 'The provider returned an error.',
  internal_error: 'Something went wrong on our side.',
  unavailable: 'The service is not available at the moment; try again.',
} as const

export type RefusalCode = keyof typeof REFUSALS

/** What is wrong with one field: a JSON pointer, what to change, and a stable code. */
export interface FieldProblem {
  readonly pointer: string
  readonly detail: string
  readonly code:
    | 'missing_required'
    | 'invalid_type'
    | 'invalid_value'
    | 'unknown_field'
    | 'too_many_items'
    | 'not_found'
}

/**
 * What a caller can act on. `detail` is for the caller's eyes; `cause` is ours and only logged.
 * Thrown by operations before anything has changed, so that a refusal leaves nothing behind.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly detail: string
  readonly fields: readonly FieldProblem[]
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: RefusalCode,
    o: {
      detail?: string
      fields?: readonly FieldProblem[]
      retryAfterSeconds?: number
      cause?: unknown
    } = {},
  ) {
    const detail = o.detail ?? REFUSALS[code]
    super(detail, { cause: o.cause })
    this.code = code
    this.detail = detail
    this.fields = o.fields ?? []
    this.retryAfterSeconds = o.retryAfterSeconds
  }
}

/** The refusal of one wrong field. */
export function invalidField(
  pointer: string,
  detail: string,
  code: FieldProblem['code'] = 'invalid_value',
): Refusal {
  return new Refusal('invalid_input', { detail, fields: [{ pointer, detail, code }] })
}

/** Whether it is a passing trouble, and none of who asked: the database is away. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'unavailable'
}
