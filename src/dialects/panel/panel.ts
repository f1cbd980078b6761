import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import { formatAmount, formatScaled } from '../../lib/money.ts'
import { discountedRates } from '../panel-family/discounted-rates.ts'
import type { PanelDialect } from '../panel-family/panel-dialect.ts'
import { averageTimeText, echoedId, statusText } from '../panel-family/panel-texts.ts'

/** The order panel's API, as its source page documents it. */
export const panel: PanelDialect = {
  name: 'panel',
  path: '/api/v2',
  refused: (refusal) => ({ status: STATUS[refusal.code], text: textOf(refusal) }),
  balance: ({ balanceMicros, currency }) =>
    `{"balance":"${amountText(balanceMicros)}","currency":"${currency}"}`,
  services: (catalogue, actor) =>
    JSON.stringify(
      discountedRates(catalogue, actor).map(({ service, rate }) => ({
        service: String(service.id),
        name: service.name,
        type: service.type,
        rate: rateText(rate),
        min: String(service.minQuantity),
        max: String(service.maxQuantity),
        category: service.category,
        refill: service.canRefill,
        cancel: service.canCancel,
        dripfeed: service.canDripfeed,
        description: service.description,
        ...(service.averageSeconds === null
          ? {}
          : { average_time: averageTimeText(service.averageSeconds) }),
      })),
    ),
  added: (order) => `{"order":${order.id}}`,
  status: (order) => statusText(order, { states: STATES, charge: amountText }),
  unknownOrder: () => '{"error":"Incorrect order ID"}',
  canceled: (results) =>
    `[${results.map((result) => {
      const order = echoedId(result.asked)
      return result.refused === null
        ? `{"order":${order},"cancel":{"status":"success"}}`
        : `{"order":${order},"error":${JSON.stringify(textOf(new Refusal(result.refused)))}}`
    })}]`,
}

const STATES = {
  pending: 'Pending',
  in_progress: 'In progress',
  partial: 'Partial',
  completed: 'Completed',
  done: 'Done',
  canceled: 'Canceled',
  failed: 'Failed',
} as const

/** Five decimals, six where the sixth is not zero, as the source page's balance and charge. */
function amountText(micros: bigint): string {
  return formatAmount(micros, 5)
}

/** The source page writes "8" and "0.90": whole rates plain, others with two decimals or more. */
function rateText(scaled: { value: bigint; decimals: number }): string {
  const plain = formatScaled(scaled.value, { decimals: scaled.decimals, decimalsMin: 0 })
  return plain.includes('.')
    ? formatScaled(scaled.value, { decimals: scaled.decimals, decimalsMin: 2 })
    : plain
}

const STATUS = {
  unauthorized: 401,
  insufficient_scope: 403,
  rate_limited: 429,
  unknown_action: 400,
  invalid_input: 400,
  too_many_ids: 400,
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
  insufficient_funds: 402,
  refund_exceeds_charge: 400,
  payload_too_large: 400,
  existing_invoice_blocking: 400,
  already_paid: 400,
  not_sold: 400,
  resource_locked: 400,
  payment_reversed: 502,
  provider_error: 502,
  internal_error: 500,
  unavailable: 503,
} as const satisfies Record<RefusalCode, number>

/** The texts that clients branch on; every other refusal says itself what to change. */
const TEXTS: Partial<Record<RefusalCode, string>> = {
  unauthorized: 'Invalid API key',
  insufficient_scope: 'This API key is not allowed to do that',
  idempotency_key_reused: 'Idempotency key was used for another request',
  not_found: 'Incorrect order ID',
  service_not_found: 'Incorrect service ID',
  order_not_found: 'Incorrect order ID',
  order_not_cancelable: 'Order cannot be canceled',
  order_not_refillable: 'Order cannot be refilled',
  refill_not_found: 'Refill not found',
  link_active: 'You have active order with this link. Please wait until order being completed.',
  insufficient_funds: 'Not enough funds on balance',
}

function textOf(refusal: Refusal): string {
  return TEXTS[refusal.code] ?? refusal.detail
}
