import { Type } from 'typebox'
import { accountBuyer } from '../core/orders/buyer.ts'
import { orderPages } from '../core/orders/order-pages.ts'
import { placeMassOrder } from '../core/orders/place-mass-order.ts'
import { CSV_RESPONSE, sendCsv } from '../http/csv.ts'
import { toldIfReplayed } from '../http/idempotency-key.ts'
import { MassOrderBody, MassOrderShape, showMassOrder } from '../http/rest/mass-order.ts'
import { OPERATOR_ORDER_COLUMNS, OrderCsvQuery, readOrderCsvQuery } from '../http/rest/order-csv.ts'
import { readId, readIdField } from '../http/rest/paging.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { Id, IdParams, strictObject } from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import { callerOf } from './caller.ts'
import { reading, writing } from './schemas.ts'

const tag = 'Orders'

/** Orders of accounts many at once: placed, and as a file. */
export function registerAccountOrders(app: RestRoutes, deps: AdminDeps): void {
  const { desk } = deps
  app.post(
    '/accounts/:id/mass-orders',
    {
      schema: writing(
        {
          operationId: 'placeMassOrder',
          summary: 'Order many services for an account, a line `service|link|quantity` each',
          tag,
        },
        { params: IdParams, body: MassOrderBody, answers: { 200: MassOrderShape } },
      ),
    },
    async (request, reply) => {
      const accountId = readId(request.params.id)
      const key = request.headers['idempotency-key']
      const lines = await placeMassOrder(desk, {
        actor: await accountBuyer(desk.db, { accountId, by: callerOf(request).actor }),
        text: request.body.lines,
        idempotencyKey: key === undefined ? null : String(key),
      })
      return showMassOrder(deps, request, toldIfReplayed(reply, lines))
    },
  )
  app.get(
    '/orders.csv',
    {
      schema: reading(
        { operationId: 'exportOrders', summary: 'All orders as a file, newest first', tag },
        {
          querystring: strictObject({ account_id: Type.Optional(Id), ...OrderCsvQuery }),
          answer: CSV_RESPONSE,
        },
      ),
    },
    async ({ query }, reply) => {
      const { account_id, ...rest } = query
      const pages = orderPages(deps.funnel.database.db, {
        ...readOrderCsvQuery(rest),
        accountId: account_id === undefined ? undefined : readIdField(account_id, '/account_id'),
      })
      return await sendCsv(reply, { name: 'orders.csv', columns: OPERATOR_ORDER_COLUMNS, pages })
    },
  )
}
