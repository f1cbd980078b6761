import { Type } from 'typebox'
import { nullable, oneOf } from '../../http/rest/shapes.ts'
import type { JsonNumber } from '../../lib/json-number.ts'
import {
  BALANCE_EXAMPLE,
  INVOICE_EXAMPLE,
  ORDER_EXAMPLE,
  PLAN_EXAMPLE,
  QUOTE_EXAMPLE,
  SERVER_EXAMPLE,
  STATUS_EXAMPLE,
  TRANSACTION_EXAMPLE,
} from './examples.ts'

/** What this API takes and answers, in the order in which its pages write it. */
const NumberId = Type.Unsafe<JsonNumber>({ type: 'integer', minimum: 1 })
const Money = Type.Unsafe<JsonNumber>({ type: 'number' })
const money = (description: string) => Type.Unsafe<JsonNumber>({ type: 'number', description })
const Instant = Type.String({
  format: 'date-time',
  description: 'UTC, with microseconds',
  examples: ['2025-02-10T16:05:29.000000Z'],
})
const Percent = Type.Unsafe<JsonNumber>({ type: 'number', minimum: 0, maximum: 100 })
const UnixSeconds = Type.Integer({
  description: 'Unix seconds of a midnight where the account is',
  examples: [1750366800],
})

const Promo = Type.Object({
  code: Type.String(),
  percentage: Percent,
  discount: money('What it takes off, net'),
  discount_with_vat: Money,
})

export const InvoiceShape = Type.Object(
  {
    id: NumberId,
    invoice_number: Type.String({ description: 'Ten digits', examples: ['0000007801'] }),
    created_at: Instant,
    amount: Money,
    amount_with_vat: Money,
    type: oneOf(['proform', 'original']),
    order_ids: Type.Array(NumberId),
  },
  { examples: [INVOICE_EXAMPLE] },
)

const OrderService = Type.Object({
  label: Type.String(),
  sublabel: nullable(Type.String({ description: "A server's main address" })),
  period_from: UnixSeconds,
  period_to: UnixSeconds,
  is_period_changeable: Type.Boolean(),
  service_id: NumberId,
  service_billing_cycle: nullable(Type.Integer({ description: 'Months; null: an addon' })),
  service_minimum_billing_cycle: nullable(Type.Integer({ description: 'Months' })),
  service_type: oneOf(['server', 'server-addon']),
  amount: Money,
  amount_with_vat: Money,
  amount_sublabel: Type.String(),
  promo: nullable(Promo),
})

export const ORDER_STATUSES = ['awaiting_payment', 'processing', 'paid', 'cancelled'] as const

export const OrderShape = Type.Object(
  {
    id: NumberId,
    tax_rate: money('What a net amount is multiplied with: 1.2 is 20 % VAT'),
    amount: money('Net'),
    amount_with_vat: money('Gross'),
    amount_from_balance: money('What the balance has paid of it'),
    payment_method: oneOf(['balance', 'card']),
    status: oneOf(ORDER_STATUSES),
    type: oneOf(['renew-service']),
    auto_pay: Type.Boolean({ description: 'Whether it is paid by itself at `due_at`' }),
    promo_applicable: Type.Boolean({ description: 'Whether a promo code can be put to it' }),
    created_at: Instant,
    due_at: Instant,
    payment_date: nullable(Instant),
    invoices: Type.Array(InvoiceShape),
    promo: nullable(Promo),
    payment_information: Type.Null(),
    services: Type.Array(OrderService),
  },
  { examples: [ORDER_EXAMPLE] },
)

export const PlanShape = Type.Object(
  {
    id: NumberId,
    type: Type.String({ examples: ['vps'] }),
    key: Type.String({ examples: ['cloud-vps-2gb'] }),
    name: Type.String({ examples: ['Cloud VPS 2 GB'] }),
    vcpus: Type.Integer(),
    memory: Type.Integer({ description: 'MB', examples: [2048] }),
    disk: Type.Integer({ description: 'GB', examples: [40] }),
    bandwidth: Type.Integer({ description: 'GB a month; 0: not limited', examples: [2000] }),
    minimum_billing_cycle: Type.Integer({ description: 'Months' }),
    available: Type.Boolean({ description: 'Whether it is sold to new servers' }),
    price: nullable(money('Net')),
    price_with_vat: nullable(Money),
  },
  { examples: [PLAN_EXAMPLE] },
)

const IpAddress = Type.Object({
  id: NumberId,
  ip_address: Type.String({ examples: ['87.121.52.159'] }),
  gateway: Type.String({ examples: ['87.121.52.1'] }),
  mask: Type.String({
    description: 'Dotted for version 4, the length of the prefix for version 6',
    examples: ['255.255.255.0'],
  }),
  version: Type.Integer({ enum: [4, 6] }),
  type: Type.Literal('public'),
  main: Type.Boolean(),
  ddos_protected: Type.Boolean(),
  ptr: nullable(Type.String({ examples: ['ubuntu-2gb.example'] })),
})

const SERVER_FIELDS = {
  id: NumberId,
  hostname: Type.String({ examples: ['ubuntu-2gb'] }),
  billing_cycle: Type.Integer({ description: 'Months' }),
  plan: PlanShape,
  status: Type.Unsafe<'active' | 'suspended' | 'terminated'>({
    type: 'string',
    enum: ['active', 'processing', 'suspended', 'terminated'],
    description: 'The billing state, not whether it runs',
  }),
  virtualization: Type.Literal('kvm'),
  promo_code: Type.Null(),
  locked: Type.Boolean({ description: 'Whether an action is running on it' }),
  locked_at: nullable(Instant),
  created_at: Instant,
  expiry_at: Instant,
  auto_renew: Type.Boolean(),
  server_image: Type.Object({
    id: Type.Null(),
    name: Type.String({ examples: ['Ubuntu 24.04'] }),
    group: Type.Object({
      name: Type.String({ examples: ['Ubuntu'] }),
      type: Type.Literal('os'),
      key: Type.String({ examples: ['ubuntu'] }),
    }),
  }),
  ip_addresses: Type.Array(IpAddress),
  addons: Type.Array(
    Type.Object({
      name: Type.String({ examples: ['cPanel & WHM license - up to 30 accounts'] }),
      quantity: Type.Integer(),
    }),
  ),
}

export const ServerShape = Type.Object(SERVER_FIELDS, { examples: [SERVER_EXAMPLE] })
export const ServerWithStateShape = Type.Object(
  {
    ...SERVER_FIELDS,
    state: Type.Object({
      running: Type.Boolean(),
      node_reachable: Type.Boolean({ description: 'False: `running` and `cpu` are not known' }),
      cpu: Type.Object({ used: Type.Number({ description: 'Per cent' }) }),
    }),
  },
  {
    examples: [
      { ...SERVER_EXAMPLE, state: { running: true, node_reachable: true, cpu: { used: 12.5 } } },
    ],
  },
)

export const ServerStatusShape = Type.Object(
  {
    running: Type.Boolean(),
    suspended: Type.Boolean(),
    network_suspended: Type.Boolean(),
    rescue_mode: Type.Boolean(),
    dns_resolvers: Type.Array(Type.String()),
    cpu: Type.Object({
      used: Type.Number({ description: 'Per cent' }),
      free: Type.Number({ description: 'Per cent' }),
    }),
    disk: Type.Object({
      used: Type.Number({ description: 'GB' }),
      limit: Type.Integer({ description: 'GB' }),
    }),
    bandwidth: Type.Object({
      used: Type.Number({ description: 'GB in this calendar month' }),
      limit: Type.Integer({ description: 'GB; 0: not limited' }),
    }),
  },
  { examples: [STATUS_EXAMPLE] },
)

export const QuoteShape = Type.Object(
  {
    amount: money('What the order will come to, net, the discount taken off'),
    amount_with_vat: Money,
    discount: Money,
    discount_with_vat: Money,
    promo_code: nullable(
      Type.Object({
        code: Type.String(),
        percentage: Percent,
        minimum_billing_cycle: Type.Integer({ description: 'Months' }),
        due_today_amount: Money,
        due_today_amount_with_vat: Money,
        promo_amount: money('What the code takes off, net'),
      }),
    ),
  },
  { examples: [QUOTE_EXAMPLE] },
)

export const BalanceShape = Type.Object(
  {
    balance: Money,
    balance_limit: money('How far below zero the balance may go'),
    estimated_expenses: money('Open orders and renewals of the coming 30 days, with VAT'),
    shortfall: money('What the balance lacks for them'),
    currency: Type.String({ examples: ['USD'] }),
    has_valid_card: Type.Boolean(),
    last_deposit: nullable(
      Type.Object({
        amount: Money,
        amount_with_vat: Money,
        payment_method: oneOf(['card', 'bank']),
        payment_date: Instant,
      }),
    ),
    unconfirmed_bitcoin_deposits: Type.Array(Type.Object({}), { maxItems: 0 }),
  },
  { examples: [BALANCE_EXAMPLE] },
)

export const TransactionShape = Type.Object(
  {
    id: NumberId,
    type: oneOf(['order', 'refund', 'credit', 'renewal', 'reversal', 'card']),
    amount: money('What it adds to the balance; a minus takes'),
    balance_after: Money,
    currency: Type.String({ examples: ['USD'] }),
    description: Type.String(),
    order_id: nullable(NumberId),
    created_at: Instant,
  },
  { examples: [TRANSACTION_EXAMPLE] },
)
