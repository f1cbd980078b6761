import type { Refusal, RefusalCode } from '../../core/refusal.ts'

/**
 * The texts that clients tell refusals apart by; null: what the refusal itself says. They come
 * with HTTP 200, as clients of this API read the body alone; "too many requests" keeps its 429.
 */
const TEXTS = {
  unauthorized: 'Invalid API Key.',
  insufficient_scope: 'API Key not permitted.',
  rate_limited: null,
  unknown_action: 'Invalid QUERY.',
  invalid_input: null,
  too_many_ids: null,
  idempotency_key_invalid: null,
  idempotency_key_reused: null,
  not_found: 'Invalid VMID.',
  service_not_found: null,
  order_not_found: null,
  type_not_orderable: null,
  feature_unavailable: null,
  order_not_cancelable: null,
  order_not_refillable: null,
  refill_not_found: null,
  link_active: null,
  invalid_state: null,
  conflict: null,
  currency_fixed: null,
  insufficient_funds: null,
  refund_exceeds_charge: null,
  payload_too_large: null,
  existing_invoice_blocking: null,
  already_paid: null,
  not_sold: null,
  resource_locked: null,
  payment_reversed: null,
  provider_error: null,
  internal_error: null,
  unavailable: null,
} as const satisfies Record<RefusalCode, string | null>

/** How a refusal is answered: the HTTP status, and the text of `query_result`. */
export function crownpanelRefused(refusal: Refusal): {
  readonly status: number
  readonly text: string
} {
  return {
    status: refusal.code === 'rate_limited' ? 429 : 200,
    text: TEXTS[refusal.code] ?? refusal.detail,
  }
}

/** The answer of a call that was refused, whatever it asked for. */
export function refusalAnswer(query: string, text: string) {
  return { query_status: 'Error', query, query_result: text }
}
