import { Type } from 'typebox'
import { SERVICE_TYPES } from '../../core/catalogue/service-type.ts'
import { ADD_REFUSALS, CANCEL_REFUSALS } from '../panel-family/panel-errors.ts'
import type { PanelAction, PanelText } from '../panel-family/panel-openapi.ts'
import {
  ADD_REQUESTS,
  Balance,
  Currency,
  closed,
  decimal,
  form,
  idempotencyKey,
  named,
  OrderStatuses,
  order,
  orders,
  plainRequest,
  wholeText,
} from '../panel-family/panel-schemas.ts'
import { refillActions } from '../panel-family/refill-texts.ts'
import { panel } from './panel.ts'

const Service = closed({
  service: Type.String({ description: 'Service ID' }),
  name: Type.String(),
  type: Type.Unsafe<string>({
    type: 'string',
    enum: [...SERVICE_TYPES],
    description: 'Says which fields `add` takes',
  }),
  rate: decimal('Price of 1000, after your discount'),
  min: wholeText('Least quantity of an order'),
  max: wholeText('Largest quantity of an order'),
  category: Type.String(),
  refill: Type.Boolean(),
  cancel: Type.Boolean({ description: 'Whether its orders can be canceled' }),
  dripfeed: Type.Boolean({ description: 'Whether `add` takes `runs` and `interval`' }),
  description: Type.String(),
  average_time: Type.Optional(
    Type.String({
      description: 'How long its orders have taken lately; left out until some have ended',
      examples: ['1 hour 12 minutes'],
    }),
  ),
})

const OrderStatus = closed({
  charge: decimal('What it cost, less refunds'),
  start_count: wholeText('`0` until it is known'),
  status: Type.Unsafe<string>({
    type: 'string',
    enum: ['Pending', 'In progress', 'Partial', 'Completed', 'Done', 'Canceled', 'Failed'],
  }),
  remains: wholeText('Not yet delivered'),
  currency: Currency,
})

const SentId = Type.Union([Type.Integer(), Type.String()], {
  description: 'The id: a number as a number, anything else as the text that was sent',
})
const Cancels = Type.Array(
  Type.Union([
    closed({ order: SentId, cancel: closed({ status: Type.Literal('success') }) }),
    closed({ order: SentId, error: Type.String() }),
  ]),
  { minItems: 1 },
)

const ONE_STATUS = {
  charge: '0.27819',
  start_count: '3572',
  status: 'Partial',
  remains: '157',
  currency: 'USD',
}
const OTHER_STATUS = {
  charge: '1.44219',
  start_count: '234',
  status: 'In progress',
  remains: '10',
  currency: 'USD',
}

const ACTIONS: readonly PanelAction[] = [
  {
    action: 'balance',
    title: 'User balance',
    description: 'What is in the wallet: five decimals, six where the sixth is not zero.',
    requests: [plainRequest('balance', 'BalanceRequest')],
    answer: {
      name: 'Balance',
      schema: Balance,
      example: { balance: '100.84292', currency: 'USD' },
    },
    refuses: [],
  },
  {
    action: 'services',
    title: 'Service list',
    description:
      'Every service that is sold in your currency. Rates are for 1000, at the prices of your key.',
    requests: [plainRequest('services', 'ServicesRequest')],
    answer: {
      name: 'Services',
      schema: Type.Array(named('Service')),
      example: [
        {
          service: '1',
          name: 'Image tagging',
          type: 'Default',
          rate: '0.90',
          min: '50',
          max: '10000',
          category: 'First Category',
          refill: false,
          cancel: true,
          dripfeed: false,
          description: 'Tags for your pictures, checked by people.',
        },
      ],
    },
    refuses: [],
  },
  {
    action: 'add',
    title: 'Add order',
    description:
      'Buys one delivery and takes its charge from the wallet: rate × quantity / 1000, rounded up ' +
      "to the millionth. Which fields it takes depends on the service's `type`. With `runs` and " +
      '`interval`, which services with `dripfeed` take, the quantity is delivered that often, and ' +
      'charged so; what was not delivered in the end is refunded.',
    requests: ADD_REQUESTS,
    answer: {
      name: 'AddedOrder',
      schema: closed({ order: Type.Integer({ description: "The order's number" }) }),
      example: { order: 23501 },
    },
    refuses: ADD_REFUSALS,
  },
  {
    action: 'status',
    title: 'Order status',
    description:
      'How far a delivery is. Pending, In progress, and then for good: Completed (all delivered), ' +
      'Done (ended by the operator as delivered), Partial and Canceled (what was not delivered is ' +
      'refunded) or Failed (all refunded). With `orders` it answers like `multiStatus`.',
    requests: [
      {
        title: 'Fields',
        name: 'StatusRequest',
        schema: form('status', { order }),
        example: { action: 'status', order: 23501 },
      },
    ],
    answer: { name: 'OrderStatus', schema: OrderStatus, example: ONE_STATUS },
    refuses: ['invalid_input', 'order_not_found', 'too_many_ids'],
  },
  {
    action: 'multiStatus',
    title: 'Multiple orders status',
    description: 'The same of up to 100 orders at once; an order that is unknown says so.',
    requests: [
      {
        title: 'Fields',
        name: 'MultiStatusRequest',
        schema: form('multiStatus', { orders }),
        example: { action: 'multiStatus', orders: '1,2,3' },
      },
    ],
    answer: {
      name: 'OrderStatuses',
      schema: OrderStatuses,
      example: { 1: ONE_STATUS, 2: { error: 'Incorrect order ID' }, 3: OTHER_STATUS },
    },
    refuses: ['invalid_input', 'too_many_ids'],
  },
  {
    action: 'cancel',
    title: 'Cancel the orders',
    description:
      'Stops deliveries and refunds exactly what was not delivered. Each order is answered for ' +
      'itself.',
    requests: [
      {
        title: 'Fields',
        name: 'CancelRequest',
        schema: form('cancel', { orders, idempotency_key: idempotencyKey }),
        example: { action: 'cancel', orders: '9,2' },
      },
    ],
    answer: {
      name: 'Cancels',
      schema: Cancels,
      example: [
        { order: 9, cancel: { status: 'success' } },
        { order: 2, error: 'Incorrect order ID' },
      ],
    },
    refuses: CANCEL_REFUSALS,
  },
  ...refillActions({ one: 1, other: 2 }),
]

/** The order panel's API in words, for its OpenAPI document. */
export const panelText: PanelText = {
  dialect: panel,
  title: 'Panel API',
  summary:
    'Orders by form: balance, services, add, status, multiStatus, cancel, refill, refill_status.',
  description: `Send every request as POST with a form: \`key\` and \`action\` always, and the fields of the action. Multipart and JSON bodies are taken too, and GET with a query.

Errors are \`{"error":"…"}\` with the HTTP status below. A key made with \`legacy_errors\` gets them with HTTP 200, for clients that read nothing else.

Name an order with the header \`Idempotency-Key\` (or the field \`idempotency_key\`) and you can send it again after a lost connection: it is bought once, and the repeat gets the first answer. A name is kept for 30 days.

An address may send 1000 requests a minute to this API and PanelBon together; the \`RateLimit-*\` headers count along.`,
  actions: ACTIONS,
  shapes: { Service },
}
