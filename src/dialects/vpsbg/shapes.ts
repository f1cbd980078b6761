import { Type } from 'typebox'
import { nullable, oneOf } from '../../http/rest/shapes.ts'
import type { JsonNumber } from '../../lib/json-number.ts'

/** What this API takes and answers, in the order in which its pages write it. */
export const NumberId = Type.Unsafe<JsonNumber>({ type: 'integer', minimum: 1 })
export const Money = Type.Unsafe<JsonNumber>({ type: 'number' })
export const Instant = Type.String({
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
  discount: Type.Unsafe<JsonNumber>({ type: 'number', description: 'What it takes off, net' }),
  discount_with_vat: Money,
})

export const InvoiceShape = Type.Object({
  id: NumberId,
  invoice_number: Type.String({ description: 'Ten digits', examples: ['0000007801'] }),
  created_at: Instant,
  amount: Money,
  amount_with_vat: Money,
  type: oneOf(['proform', 'original']),
  order_ids: Type.Array(NumberId),
})

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

/** The page's own example, with amounts that add up. */
const ORDER_EXAMPLE = {
  id: 7801,
  tax_rate: 1.2,
  amount: 180,
  amount_with_vat: 216,
  amount_from_balance: 0,
  payment_method: 'balance',
  status: 'awaiting_payment',
  type: 'renew-service',
  auto_pay: true,
  promo_applicable: true,
  created_at: '2025-02-10T16:05:29.000000Z',
  due_at: '2025-06-19T21:00:00.000000Z',
  payment_date: null,
  invoices: [
    {
      id: 8736,
      invoice_number: '0000007801',
      created_at: '2025-02-09T22:00:00.000000Z',
      amount: 180,
      amount_with_vat: 216,
      type: 'proform',
      order_ids: [7801],
    },
  ],
  promo: null,
  payment_information: null,
  services: [
    {
      label: 'Renewal: Cloud VPS 2 GB - ubuntu-2gb [87.121.52.159]',
      sublabel: '87.121.52.159',
      period_from: 1750366800,
      period_to: 1758315600,
      is_period_changeable: true,
      service_id: 2904,
      service_billing_cycle: 3,
      service_minimum_billing_cycle: 1,
      service_type: 'server',
      amount: 75,
      amount_with_vat: 90,
      amount_sublabel: '',
      promo: null,
    },
    {
      label: 'cPanel & WHM license - up to 30 accounts',
      sublabel: null,
      period_from: 1750366800,
      period_to: 1758315600,
      is_period_changeable: false,
      service_id: 1,
      service_billing_cycle: null,
      service_minimum_billing_cycle: null,
      service_type: 'server-addon',
      amount: 105,
      amount_with_vat: 126,
      amount_sublabel: '',
      promo: null,
    },
  ],
}

export const ORDER_STATUSES = ['awaiting_payment', 'processing', 'paid', 'cancelled'] as const

export const OrderShape = Type.Object(
  {
    id: NumberId,
    tax_rate: Type.Unsafe<JsonNumber>({
      type: 'number',
      description: 'What a net amount is multiplied with: 1.2 is 20 % VAT',
    }),
    amount: Type.Unsafe<JsonNumber>({ type: 'number', description: 'Net' }),
    amount_with_vat: Type.Unsafe<JsonNumber>({ type: 'number', description: 'Gross' }),
    amount_from_balance: Type.Unsafe<JsonNumber>({
      type: 'number',
      description: 'What the balance has paid of it',
    }),
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

export const PlanShape = Type.Object({
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
  price: nullable(Type.Unsafe<JsonNumber>({ type: 'number', description: 'Net' })),
  price_with_vat: nullable(Money),
})

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

export const ServerShape = Type.Object(SERVER_FIELDS)
export const ServerWithStateShape = Type.Object({
  ...SERVER_FIELDS,
  state: Type.Object({
    running: Type.Boolean(),
    node_reachable: Type.Boolean({ description: 'False: `running` and `cpu` are not known' }),
    cpu: Type.Object({ used: Type.Number({ description: 'Per cent' }) }),
  }),
})

export const ServerStatusShape = Type.Object({
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
})

export const QuoteShape = Type.Object({
  amount: Type.Unsafe<JsonNumber>({
    type: 'number',
    description: 'What the order will come to, net, the discount taken off',
  }),
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
      promo_amount: Type.Unsafe<JsonNumber>({
        type: 'number',
        description: 'What the code takes off, net',
      }),
    }),
  ),
})

export const BalanceShape = Type.Object({
  balance: Money,
  balance_limit: Type.Unsafe<JsonNumber>({
    type: 'number',
    description: 'How far below zero the balance may go',
  }),
  estimated_expenses: Type.Unsafe<JsonNumber>({
    type: 'number',
    description: 'Open orders and renewals of the coming 30 days, with VAT',
  }),
  shortfall: Type.Unsafe<JsonNumber>({
    type: 'number',
    description: 'What the balance lacks for them',
  }),
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
})

export const TransactionShape = Type.Object({
  id: NumberId,
  type: oneOf(['order', 'refund', 'credit', 'renewal', 'reversal', 'card']),
  amount: Type.Unsafe<JsonNumber>({
    type: 'number',
    description: 'What it adds to the balance; a minus takes',
  }),
  balance_after: Money,
  currency: Type.String({ examples: ['USD'] }),
  description: Type.String(),
  order_id: nullable(NumberId),
  created_at: Instant,
})
