import { Type } from 'typebox'
import { cancelPurchase } from '../../core/billing/cancel-purchase.ts'
import { changeLineCycle } from '../../core/billing/change-line-cycle.ts'
import type { PurchaseState } from '../../core/billing/purchase.ts'
import { listPurchases, readPurchase } from '../../core/billing/purchase-views.ts'
import { updatePurchase } from '../../core/billing/update-purchase.ts'
import { Refusal } from '../../core/refusal.ts'
import { callerOf } from '../../http/rest/caller.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { oneOf } from '../../http/rest/shapes.ts'
import { chosenOf, filterText } from './filters.ts'
import { numberOf } from './names.ts'
import { orderText } from './order-text.ts'
import { write, writeOrder } from './order-writes.ts'
import { PAGE_QUERY, pageShape, toPage, windowOf } from './pages.ts'
import { reading, writing } from './route-options.ts'
import { sendJson } from './send-json.ts'
import { ORDER_STATUSES, OrderShape } from './shapes.ts'
import { NewBillingCycle, PromoCode, promoCodeOf, refusingCycle } from './terms-asked.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

const tag = 'Orders'
const OrderParams = Type.Object({
  id: Type.String({ description: 'The number of the order', examples: ['7801'] }),
})
const DEFAULT_STATUSES: readonly PurchaseState[] = ['awaiting_payment', 'paid']

/** Orders: the core's purchases. */
export function registerOrders(app: RestRoutes, deps: VpsbgDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/orders',
    reading(
      { operationId: 'listOrders', summary: 'List orders', tag, scope: 'read:billing' },
      {
        querystring: Type.Object({
          ...PAGE_QUERY,
          'filter[status]': filterText(ORDER_STATUSES, DEFAULT_STATUSES),
        }),
        answer: pageShape(OrderShape, '/v1/orders'),
      },
    ),
    async (request, reply) => {
      const { query } = request
      const { purchases, total } = await listPurchases(db, {
        accountId: callerOf(request).accountId,
        states: chosenOf(query['filter[status]'], 'status', ORDER_STATUSES) ?? DEFAULT_STATUSES,
        window: windowOf(query),
      })
      const rows = purchases.map(orderText)
      return sendJson(reply, toPage({ request, query, ...deps }, { rows, total }))
    },
  )
  app.get(
    '/orders/:id',
    reading(
      { operationId: 'getOrder', summary: 'Get an order', tag, scope: 'read:billing' },
      { params: OrderParams, answer: OrderShape },
    ),
    async (request, reply) => {
      const { accountId } = callerOf(request)
      const order = await readPurchase(db, { accountId, id: orderIdOf(request.params.id) })
      return sendJson(reply, orderText(order))
    },
  )
  registerOrderChanges(app, deps)
}

function registerOrderChanges(app: RestRoutes, deps: VpsbgDeps): void {
  const scope = 'write:billing'
  app.delete(
    '/orders/:id',
    writing(
      {
        operationId: 'deleteOrder',
        summary: 'Delete order',
        description: 'Only while it awaits payment. Its invoice cannot be paid any more.',
        tag,
        scope,
        refuses: ['invalid_state', 'resource_locked'],
      },
      { params: OrderParams, answer: null },
    ),
    async (request, reply) => {
      const input = { purchaseId: orderIdOf(request.params.id) }
      await write(deps, { request, reply, operation: cancelPurchase, input })
      return reply.code(204).send()
    },
  )
  app.patch(
    '/orders/:id',
    writing(
      {
        operationId: 'updateOrder',
        summary: 'Update order',
        description: 'What is left out stays as it is; `promo_code` null takes a code away.',
        tag,
        scope,
        refuses: ['invalid_state', 'not_sold', 'resource_locked'],
      },
      { params: OrderParams, body: UpdateBody, answer: OrderShape },
    ),
    async (request, reply) => {
      const { payment_method, auto_pay, promo_code } = request.body
      const input = {
        purchaseId: orderIdOf(request.params.id),
        ...(payment_method === undefined ? {} : { paymentMethod: payment_method }),
        ...(auto_pay === undefined ? {} : { autoPay: auto_pay }),
        ...(promo_code === undefined ? {} : { promoCode: promoCodeOf(promo_code) }),
      }
      const operation = updatePurchase
      return sendJson(reply, await writeOrder(deps, { request, reply, operation, input }))
    },
  )
  app.patch(
    '/orders/:id/:service_type/:service_id',
    writing(
      {
        operationId: 'changeRenewalPeriod',
        summary: 'Change renewal period',
        description:
          'Of one server of the order, from now on: its addons follow it. `service_type` and ' +
          '`service_id` are those of the order. A promo code of the order that the new period ' +
          'excludes falls away.',
        tag,
        scope,
        refuses: ['invalid_state', 'not_sold', 'resource_locked'],
      },
      { params: ServiceParams, body: PeriodBody, answer: null },
    ),
    async (request, reply) => {
      const { params, body } = request
      const input = {
        purchaseId: orderIdOf(params.id),
        kind: kindOf(params.service_type),
        subscriptionId: orderIdOf(params.service_id),
        billingCycle: body.billing_cycle,
        ...(body.promo_code === undefined ? {} : { promoCode: promoCodeOf(body.promo_code) }),
      }
      await refusingCycle(body.billing_cycle, () =>
        write(deps, { request, reply, operation: changeLineCycle, input }),
      )
      return reply.code(204).send()
    },
  )
}

const UpdateBody = Type.Object(
  {
    payment_method: Type.Optional(oneOf(['balance', 'card'])),
    auto_pay: Type.Optional(
      Type.Boolean({ description: 'Whether it is paid by itself at `due_at`' }),
    ),
    promo_code: Type.Optional(PromoCode),
  },
  { examples: [{ payment_method: 'card', auto_pay: false }] },
)
const PeriodBody = Type.Object(
  { billing_cycle: NewBillingCycle, promo_code: Type.Optional(PromoCode) },
  { examples: [{ billing_cycle: 3 }] },
)
const ServiceParams = Type.Object({
  ...OrderParams.properties,
  service_type: Type.String({ examples: ['server'] }),
  service_id: Type.String({ examples: ['2904'] }),
})

/** The order, or the service, that a path names. What is no number names none. */
function orderIdOf(name: string): bigint {
  const id = numberOf(name)
  if (id === undefined) throw new Refusal('not_found')
  return id
}

function kindOf(serviceType: string): 'server' | 'server-addon' {
  if (serviceType === 'server' || serviceType === 'server-addon') return serviceType
  throw new Refusal('not_found')
}
