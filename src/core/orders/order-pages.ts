import type { Db } from '../../db/database.ts'
import { translateOutage } from '../execute.ts'
import { listOrders, ORDERS_AT_ONCE_MAX, type OrderFilter, type OrderView } from './order-views.ts'

/** All orders that `filter` asks for, newest first, some at a time: never all in memory. */
export async function* orderPages(
  db: Db,
  filter: Omit<OrderFilter, 'limit' | 'beforeId'>,
): AsyncGenerator<readonly OrderView[], void> {
  const limit = ORDERS_AT_ONCE_MAX
  for (let beforeId: bigint | undefined; ; ) {
    const page = await translateOutage(() => listOrders(db, { ...filter, beforeId, limit }))
    yield page
    if (page.length < limit) return
    beforeId = page.at(-1)?.id
  }
}
