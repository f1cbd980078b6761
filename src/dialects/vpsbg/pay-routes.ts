import { Type } from 'typebox'
import type { PayOutcome, PayResult } from '../../core/billing/paying/payment.ts'
import { readPurchase } from '../../core/billing/purchase-views.ts'
import { Refusal, type RefusalCode } from '../../core/refusal.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../../http/idempotency-key.ts'
import { callerOf } from '../../http/rest/caller.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { PAID_ORDER_EXAMPLE } from './examples.ts'
import { Names, orderIdsOf, refusingField, UNKNOWN_ORDER } from './names.ts'
import { orderText } from './order-text.ts'
import { writing } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { OrderShape } from './shapes.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

const PayBody = Type.Object(
  {
    order_ids: Names,
    payment_method: Type.Optional(
      Type.Unsafe<'balance' | 'card'>({
        type: 'string',
        enum: ['balance', 'card'],
        description:
          'With `card` the saved card pays what the balance is short of, with `balance` it ' +
          'does not; left out, it does where one of the orders has `card`',
      }),
    ),
  },
  { examples: [{ order_ids: [7801], payment_method: 'balance' }] },
)

const PaidShape = Type.Object(
  { data: Type.Array(OrderShape) },
  { examples: [{ data: [PAID_ORDER_EXAMPLE] }] },
)

/** Paying orders, all of them or none. */
export function registerPayments(app: RestRoutes, deps: VpsbgDeps): void {
  app.post(
    '/orders/pay',
    writing(
      {
        operationId: 'payOrders',
        summary: 'Pay orders',
        description:
          'All of them, or none. An order that the provider has not confirmed yet is answered ' +
          'with the status `processing`: its money is set aside, and it is finished without you. ' +
          'Where the provider refuses one for good, 400 `payment_reversed` names those that were paid.',
        tag: 'Orders',
        scope: 'write:billing',
        refuses: ['already_paid', 'insufficient_funds', 'invalid_state', 'payment_reversed'],
      },
      { body: PayBody, answer: PaidShape },
    ),
    async (request, reply) => {
      const actor = callerOf(request)
      const { order_ids, payment_method } = request.body
      const purchaseIds = orderIdsOf(order_ids)
      const mayUseCard = payment_method === undefined ? null : payment_method === 'card'
      const input = { purchaseIds, mayUseCard }
      const results = toldIfReplayed(
        reply,
        await refusingField('/order_ids', UNKNOWN_ORDER, () =>
          deps.payments.pay({ actor, input, idempotencyKey: idempotencyKeyOf(request, undefined) }),
        ),
      )
      refuseUnpaid(results)
      const { db } = deps.funnel.database
      const data = await Promise.all(
        results.map(async ({ purchaseId }) =>
          orderText(await readPurchase(db, { accountId: actor.accountId, id: purchaseId })),
        ),
      )
      return sendJson(reply, { data })
    },
  )
}

/** Throws what to say where not all of them are paid, or being paid, by this request. */
function refuseUnpaid(results: readonly PayResult[]): void {
  for (const { purchaseId, outcome } of results) {
    const no = refusalOf(purchaseId, outcome)
    if (no === undefined) continue
    const done = results.filter((other) => isPaid(other.outcome)).map((other) => other.purchaseId)
    // The provider may do one and refuse another.
    const others = done.length === 0 ? '' : ` Paid: ${done.join(', ')}.`
    throw new Refusal(no.code, { detail: no.detail + others })
  }
}

function isPaid({ kind }: PayOutcome): boolean {
  return kind === 'paid' || kind === 'settling'
}

interface Said {
  readonly code: RefusalCode
  readonly detail: string
}

/** Undefined: it is paid, or it is not its fault that it is not. */
function refusalOf(id: bigint, { kind }: PayOutcome): Said | undefined {
  switch (kind) {
    case 'paid':
    case 'settling':
    case 'left_out':
      return undefined
    case 'already_paid':
      return { code: 'already_paid', detail: `Order ${id} has been paid already. ${NOTHING_TAKEN}` }
    case 'cancelled':
      return { code: 'invalid_state', detail: `Order ${id} is cancelled. ${NOTHING_TAKEN}` }
    case 'insufficient_funds':
      return { code: 'insufficient_funds', detail: `The balance is too low. ${NOTHING_TAKEN}` }
    case 'not_renewable':
      return {
        code: 'invalid_state',
        detail: `Order ${id} is for a server that cannot be renewed. ${NOTHING_TAKEN}`,
      }
    case 'credit_kept':
      return {
        code: 'invalid_state',
        detail: `Order ${id} could not be paid any more. What the card was charged is in your balance.`,
      }
    case 'reversed':
      return {
        code: 'payment_reversed',
        detail: `The provider refused to renew what order ${id} is for. The money is back in your balance, and the order can be paid again.`,
      }
  }
}

const NOTHING_TAKEN = 'Nothing was taken.'
