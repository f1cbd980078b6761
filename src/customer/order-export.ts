import { orderPages } from '../core/orders/order-pages.ts'
import { ORDER_READERS } from '../core/orders/order-reader.ts'
import { CSV_RESPONSE, sendCsv } from '../http/csv.ts'
import { callerOf } from '../http/rest/caller.ts'
import { ORDER_COLUMNS, OrderCsvQuery, readOrderCsvQuery } from '../http/rest/order-csv.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import { strictObject } from '../http/rest/shapes.ts'
import type { CustomerDeps } from './customer-deps.ts'
import { reading } from './schemas.ts'

/** The account's orders as a file. */
export function registerOrderExport(app: RestRoutes, deps: CustomerDeps): void {
  app.get(
    '/orders.csv',
    reading(
      {
        operationId: 'exportOrders',
        summary: 'All orders as a file, newest first',
        tag: 'Orders',
        scopes: ORDER_READERS,
      },
      { querystring: strictObject(OrderCsvQuery), answer: CSV_RESPONSE },
    ),
    async (request, reply) => {
      const { accountId } = callerOf(request)
      const filter = { ...readOrderCsvQuery(request.query), accountId }
      const pages = orderPages(deps.funnel.database.db, filter)
      return await sendCsv(reply, { name: 'orders.csv', columns: ORDER_COLUMNS, pages })
    },
  )
}
