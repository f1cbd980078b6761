import type { RefusalCode } from '../../core/refusal.ts'

/** What the panels refuse, when, and an example where the text depends on the request. */
export const PANEL_ERRORS = {
  unauthorized: { when: 'The key is missing, unknown or disabled.' },
  insufficient_scope: { when: 'The key lacks the scope that the action needs.' },
  rate_limited: { when: 'More requests in this minute than the address may send.' },
  unknown_action: {
    when: '`action` is missing or not one of this API.',
    detail:
      'action must be one of balance, services, add, status, multiStatus, cancel, refill, ' +
      'refill_status',
  },
  invalid_input: {
    when: 'A field is missing or wrong; the text names it and says what to change.',
    detail: 'quantity must be between 50 and 10000',
  },
  too_many_ids: { when: 'More than 100 ids.', detail: 'orders has more than 100 ids' },
  idempotency_key_invalid: { when: 'The idempotency key is not 1 to 255 printable ASCII letters.' },
  idempotency_key_reused: { when: 'The idempotency key stands for another request already.' },
  service_not_found: { when: 'No such service, or it is not sold in this currency.' },
  order_not_found: { when: 'No such order among those of this account.' },
  order_not_refillable: {
    when: 'The service has no refill, the order was not delivered, or it is too late or too early.',
  },
  refill_not_found: { when: 'No such refill among those of this account.' },
  type_not_orderable: {
    when: 'The service is a subscription: those are made on the customer site.',
    detail: 'Subscriptions are created on the customer site, not through the API',
  },
  link_active: {
    when: 'The service takes one order at a time for a link, and yours for this one goes on.',
  },
  insufficient_funds: { when: 'The order costs more than the wallet holds. Nothing was taken.' },
  payload_too_large: { when: 'The body has more than 1 MiB.' },
  provider_error: {
    when: 'The provider had to be asked, and refused or failed. Nothing is charged.',
  },
  internal_error: {
    when: 'Our fault. Nothing was changed; `X-Request-Id` finds it in the log.',
    detail: 'Something went wrong on our side. Retry later or contact support.',
  },
  unavailable: {
    when: 'Too busy, or the database is away. Try again after `Retry-After` seconds.',
  },
} as const satisfies Partial<
  Record<RefusalCode, { readonly when: string; readonly detail?: string }>
>

type PanelRefusal = keyof typeof PANEL_ERRORS

/** What placing an order refuses, beside what every request can meet. */
export const ADD_REFUSALS: readonly PanelRefusal[] = [
  'invalid_input',
  'service_not_found',
  'type_not_orderable',
  'link_active',
  'insufficient_funds',
  'provider_error',
  'idempotency_key_invalid',
  'idempotency_key_reused',
]

/** What canceling orders refuses, beside what every request can meet. */
export const CANCEL_REFUSALS: readonly PanelRefusal[] = [
  'invalid_input',
  'too_many_ids',
  'provider_error',
  'idempotency_key_invalid',
  'idempotency_key_reused',
]

/** What asking for refills refuses, beside what every request can meet. */
export const REFILL_REFUSALS: readonly PanelRefusal[] = [
  'invalid_input',
  'provider_error',
  'idempotency_key_invalid',
  'idempotency_key_reused',
]
