import { monthlyName } from '../../core/orders/order-name.ts'
import type { Scaled } from '../../core/pricing/charge.ts'
import type { RefusalCode } from '../../core/refusal.ts'
import { formatAmount, formatScaled } from '../../lib/money.ts'
import { discountedRates } from '../panel-family/discounted-rates.ts'
import type { PanelDialect } from '../panel-family/panel-dialect.ts'
import { statusText } from '../panel-family/panel-texts.ts'

/** PanelBon's API, as its source page documents it. */
export const panelbon: PanelDialect = {
  name: 'panelbon',
  path: '/app/api/v2',
  refused: (refusal) => ANSWERS[refusal.code],
  balance: ({ balanceMicros, currency }) =>
    `{"balance":"${amountText(balanceMicros)}","currency":"${currency}"}`,
  services: (catalogue, actor) =>
    JSON.stringify(
      discountedRates(catalogue, actor).map(({ service, originalRate, rate }) => ({
        service: Number(service.id),
        name: service.name,
        type: service.type,
        category: service.category,
        rate: rateText(rate),
        original_rate: rateText(originalRate),
        discount_percent: actor.discountPpm / PPM_PER_PERCENT,
        min: String(service.minQuantity),
        max: String(service.maxQuantity),
        refill: service.canRefill,
        cancel: service.canCancel,
      })),
    ),
  added: (order) =>
    `{"order":"${monthlyName(order.id, order.createdAt)}",` +
    `"original_price":"${amountText(order.listChargeMicros)}",` +
    `"discount":"${amountText(order.listChargeMicros - order.chargeMicros)}",` +
    `"final_price":"${amountText(order.chargeMicros)}"}`,
  status: (order) => statusText(order, { states: STATES, charge: amountText }),
  unknownOrder: () => '{"error":"Incorrect order ID"}',
  canceled: (results) =>
    JSON.stringify(
      results.map((result) => ({
        order: result.asked,
        cancel: result.refused === null ? 1 : { error: CANCEL_ERRORS[result.refused] },
      })),
    ),
}

const PPM_PER_PERCENT = 10_000

/** The source page knows five statuses. */
const STATES = {
  pending: 'Pending',
  in_progress: 'In progress',
  partial: 'Partial',
  completed: 'Completed',
  done: 'Completed',
  canceled: 'Canceled',
  failed: 'Canceled',
} as const

function rateText({ value, decimals }: Scaled): string {
  return formatScaled(value, { decimals, decimalsMin: 2 })
}

/** Two decimals, more where they are needed. */
function amountText(micros: bigint): string {
  return formatAmount(micros, 2)
}

const CANCEL_ERRORS = {
  order_not_found: 'Incorrect order ID',
  order_not_cancelable: 'Order cannot be canceled',
  provider_error: 'server error',
} as const

const WRONG_INPUT = { status: 400, text: 'Invalid parameters' } as const

const ANSWERS = {
  unauthorized: { status: 401, text: 'Invalid API key' },
  insufficient_scope: { status: 403, text: 'This API key is not allowed to do that' },
  rate_limited: { status: 429, text: 'Too many requests' },
  unknown_action: WRONG_INPUT,
  invalid_input: WRONG_INPUT,
  too_many_ids: WRONG_INPUT,
  idempotency_key_invalid: WRONG_INPUT,
  idempotency_key_reused: { status: 409, text: 'Idempotency key was used for another request' },
  not_found: { status: 404, text: 'Incorrect order ID' },
  service_not_found: { status: 404, text: 'Incorrect service ID' },
  order_not_found: { status: 404, text: 'Incorrect order ID' },
  type_not_orderable: WRONG_INPUT,
  feature_unavailable: WRONG_INPUT,
  order_not_cancelable: { status: 400, text: 'Order cannot be canceled' },
  order_not_refillable: { status: 400, text: 'Order cannot be refilled' },
  refill_not_found: { status: 404, text: 'Refill not found' },
  link_active: {
    status: 400,
    text: 'You have active order with this link. Please wait until order being completed.',
  },
  invalid_state: WRONG_INPUT,
  conflict: WRONG_INPUT,
  currency_fixed: WRONG_INPUT,
  insufficient_funds: { status: 400, text: 'Insufficient balance' },
  refund_exceeds_charge: WRONG_INPUT,
  payload_too_large: WRONG_INPUT,
  existing_invoice_blocking: WRONG_INPUT,
  already_paid: WRONG_INPUT,
  not_sold: WRONG_INPUT,
  resource_locked: WRONG_INPUT,
  payment_reversed: { status: 502, text: 'server error' },
  provider_error: { status: 502, text: 'server error' },
  internal_error: { status: 500, text: 'server error' },
  unavailable: { status: 503, text: 'server error' },
} as const satisfies Record<RefusalCode, { status: number; text: string }>
