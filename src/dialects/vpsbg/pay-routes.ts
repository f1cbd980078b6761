import { Type } from 'typebox'
import type { PayOutcome } from '../../core/billing/payment.ts'
import { readPurchase } from '../../core/billing/purchase-views.ts'
import { Refusal } from '../../core/refusal.ts'
import { idempotencyKeyOf } from '../../http/idempotency-key.ts'
import { callerOf } from './caller.ts'
import { Names, orderIdsOf, refusingField, UNKNOWN_ORDER } from './names.ts'
import { orderText } from './order-text.ts'
import { toldWhetherReplayed } from './order-writes.ts'
import { writing } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { OrderShape } from './shapes.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'
import type { VpsbgRoutes } from './vpsbg-routes.ts'

const PayBody = Type.Object(
  {
    order_ids: Names,
    payment_method: Type.Optional(
      Type.Unsafe<'balance' | 'card'>({
        type: 'string',
        enum: ['balance', 'card'],
        description: 'With `card` the saved card pays what the balance is short of',
      }),
    ),
  },
  { examples: [{ order_ids: [7801], payment_method: 'balance' }] },
)

/** Paying orders, all of them or none. */
export function registerPayments(app: VpsbgRoutes, deps: VpsbgDeps): void {
  app.post(
    '/orders/pay',
    writing(
      {
        operationId: 'payOrders',
        summary: 'Pay orders',
        description:
          'All of them, or none. An order that the provider has not confirmed yet is answered ' +
          'with the status `processing`: its money is set aside, and it is finished without you.',
        tag: 'Orders',
        scope: 'write:billing',
      },
      { body: PayBody, answer: Type.Object({ data: Type.Array(OrderShape) }) },
    ),
    async (request, reply) => {
      const actor = callerOf(request)
      const { order_ids, payment_method } = request.body
      const purchaseIds = orderIdsOf(order_ids)
      const input = { purchaseIds, mayUseCard: payment_method === 'card' }
      const results = toldWhetherReplayed(
        reply,
        await refusingField('/order_ids', UNKNOWN_ORDER, () =>
          deps.payments.pay({ actor, input, idempotencyKey: idempotencyKeyOf(request, undefined) }),
        ),
      )
      for (const { purchaseId, outcome } of results) refuseUnpaid(purchaseId, outcome)
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

/** Throws what to say of an order that was not paid by this request. */
function refuseUnpaid(id: bigint, { kind }: PayOutcome): void {
  const no = (code: Refusal['code'], detail: string) => new Refusal(code, { detail })
  switch (kind) {
    case 'paid':
    case 'settling':
      return
    case 'already_paid':
      throw no('already_paid', `Order ${id} has been paid already. Nothing was taken.`)
    case 'cancelled':
      throw no('invalid_state', `Order ${id} is cancelled. Nothing was taken.`)
    case 'insufficient_funds':
      throw no('insufficient_funds', 'The balance is too low. Nothing was taken.')
    case 'not_renewable':
      throw no(
        'invalid_state',
        `Order ${id} is for a server that cannot be renewed. Nothing was taken.`,
      )
    case 'credit_kept':
      throw no(
        'invalid_state',
        `Order ${id} could not be paid any more. What the card was charged is in your balance.`,
      )
    case 'reversed':
      throw no(
        'payment_reversed',
        `The provider refused to renew what order ${id} is for. The money is back in your ` +
          'balance, and the order can be paid again.',
      )
  }
}
