import { type TSchema, Type } from 'typebox'
import { nullable, oneOf, strictObject } from '../../http/rest/shapes.ts'

/** A form: `API_KEY`, `QUERY` and what the query takes. Other fields are ignored. */
export function form<T extends Record<string, TSchema>>(query: string, fields: T) {
  return Type.Object({
    API_KEY: Type.String({ description: 'Your API key' }),
    QUERY: Type.Literal(query, { description: 'This, literally' }),
    ...fields,
  })
}

export const vmid = Type.String({
  description: 'The server: its number from `list_vms`, or its public id',
})

const NumberText = Type.String({ pattern: '^\\d+$', description: 'A number as text' })
const Seconds = Type.String({
  pattern: '^-?\\d+$',
  description: 'Seconds since 1970 (Unix time), as text',
})
const AmountText = Type.String({
  pattern: '^-?\\d+\\.\\d{2}$',
  description: 'Two decimals, tax included, rounded half away from zero',
})
const Status = oneOf(['online', 'offline', 'suspended'])
const Whole = Type.Integer({ minimum: 0 })

export const VmList = Type.Array(
  strictObject({
    vmid: NumberText,
    status: Status,
    hostname: Type.String(),
    ipaddress: Type.String({ description: 'The main address; empty without one' }),
    location: Type.String(),
    bandwidth: Type.Integer({ minimum: 0, description: 'MB a calendar month; 0: not limited' }),
  }),
)

export const VpsInfo = strictObject({
  vmid: NumberText,
  hostname: Type.String(),
  status: oneOf(['online', 'offline', 'suspended', 'terminated']),
  os: Type.String(),
  vcpu: Whole,
  memory_mb: Whole,
  disk_gb: Whole,
  bandwidth_gb: Type.Integer({ minimum: 0, description: 'A calendar month; 0: not limited' }),
  location: Type.String(),
  created_on: Seconds,
  next_due_date: Seconds,
  renewal_price: Type.Union([AmountText, Type.Null()], {
    description: 'Of the next period, with its addons; null: it is not sold so any more',
  }),
  billing_cycle: Type.Integer({ minimum: 1, maximum: 24, description: 'Months' }),
  invoice_id: Type.Union([NumberText, Type.Null()], {
    description: 'The unpaid renewal invoice; null: none is open',
  }),
})

const Address = strictObject({
  address: Type.String(),
  gateway: Type.String(),
  netmask: Type.String({ description: '`255.255.255.0`; of IPv6 the length of the prefix: `64`' }),
  rdns: nullable(Type.String()),
  primary: Type.Boolean(),
})

export const NetworkInfo = strictObject({
  vmid: NumberText,
  ipv4: Type.Array(Address),
  ipv6: Type.Array(Address),
})

export const BandwidthUsage = strictObject({
  bandwidth_usage: Type.Number({
    minimum: 0,
    description: 'MB in and out in this calendar month',
  }),
  bandwidth_quota: Type.Number({ minimum: 0, description: 'MB; 0: not limited' }),
  bandwidth_usage_percentage: Type.Number({ minimum: 0, description: 'Up to two decimals' }),
})

export const Balance = strictObject({
  balance: AmountText,
  currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
})

export const InvoiceList = Type.Array(
  strictObject({
    invoice_id: NumberText,
    vmid: NumberText,
    amount: AmountText,
    status: oneOf(['unpaid', 'paid', 'cancelled']),
    created_on: Seconds,
    due_on: Seconds,
    paid_on: nullable(Seconds),
  }),
)

export const TransactionList = Type.Array(
  strictObject({
    transaction_id: NumberText,
    amount: AmountText,
    description: Type.String(),
    created_on: Seconds,
  }),
)

/** What every refusal looks like, of reading queries too. */
export const Refused = strictObject({
  query_status: Type.Literal('Error'),
  query: Type.String({ description: 'The QUERY that was sent' }),
  query_result: Type.String({ description: 'What is wrong' }),
})

/** One of the answers to `renew_service`: in one of them there is no `amount_paid`. */
export function renewalShape(o: {
  status: 'Success' | 'Error'
  renewal: string
  result: TSchema
  showsAmount: boolean
}) {
  return strictObject({
    query_status: Type.Literal(o.status),
    query: Type.String({ description: 'The QUERY that was sent' }),
    invoice_id: Type.String({ pattern: '^\\d+$', description: '`0` where there is none' }),
    ...(o.showsAmount ? { amount_paid: AmountText } : {}),
    renewal_status: Type.Literal(o.renewal),
    query_result: o.result,
  })
}
