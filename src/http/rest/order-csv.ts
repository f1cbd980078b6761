import { type Static, Type } from 'typebox'
import { ORDER_STATES } from '../../core/orders/order.ts'
import { monthlyName } from '../../core/orders/order-name.ts'
import type { OrderFilter, OrderView } from '../../core/orders/order-views.ts'
import { currencyDecimals, formatAmount } from '../../lib/money.ts'
import type { CsvColumn } from '../csv.ts'
import { readInstant } from './instant-field.ts'
import { readIdField } from './paging.ts'
import { Id, oneOf } from './shapes.ts'

/** Which orders a file of them has. */
export const OrderCsvQuery = {
  service_id: Type.Optional(Id),
  state: Type.Optional(oneOf(ORDER_STATES)),
  created_from: Type.Optional(Type.String({ format: 'date-time' })),
  created_before: Type.Optional(Type.String({ format: 'date-time' })),
}

const AnyQuery = Type.Object(OrderCsvQuery)

export function readOrderCsvQuery(
  query: Static<typeof AnyQuery>,
): Omit<OrderFilter, 'limit' | 'beforeId' | 'accountId'> {
  const { service_id, state, created_from, created_before } = query
  return {
    serviceId: service_id === undefined ? undefined : readIdField(service_id, '/service_id'),
    state,
    createdFrom:
      created_from === undefined ? undefined : readInstant(created_from, '/created_from'),
    createdBefore:
      created_before === undefined ? undefined : readInstant(created_before, '/created_before'),
  }
}

type Column = CsvColumn<OrderView>

const amount = (of: (order: OrderView) => bigint): Column['of'] => {
  return (order) => formatAmount(of(order), currencyDecimals(order.currency))
}

/** What a customer sees of an order. */
export const ORDER_COLUMNS: readonly Column[] = [
  { header: 'id', of: ({ id }) => String(id) },
  { header: 'public_id', of: ({ id, createdAt }) => monthlyName(id, createdAt) },
  { header: 'created_at', of: ({ createdAt }) => createdAt.toISOString() },
  { header: 'service_id', of: ({ serviceId }) => String(serviceId) },
  { header: 'type', of: ({ serviceType }) => serviceType },
  { header: 'state', of: ({ state }) => state },
  { header: 'link', of: ({ link }) => link },
  { header: 'quantity', of: ({ quantity }) => String(quantity) },
  {
    header: 'start_count',
    of: ({ startCount }) => (startCount === null ? null : String(startCount)),
  },
  { header: 'remains', of: ({ remains }) => String(remains) },
  { header: 'currency', of: ({ currency }) => currency },
  { header: 'list_charge', of: amount(({ listChargeMicros }) => listChargeMicros) },
  { header: 'charge', of: amount(({ chargeMicros }) => chargeMicros) },
  { header: 'refunded', of: amount(({ refundedMicros }) => refundedMicros) },
]

/** What an operator sees of it. */
export const OPERATOR_ORDER_COLUMNS: readonly Column[] = [
  ...ORDER_COLUMNS,
  { header: 'account_id', of: ({ accountId }) => String(accountId) },
  { header: 'provider', of: ({ provider }) => provider },
  { header: 'provider_ref', of: ({ providerRef }) => providerRef },
]
