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
import { panelbon } from './panelbon.ts'

const Service = closed({
  service: Type.Integer({ description: 'Service ID' }),
  name: Type.String(),
  type: Type.Unsafe<string>({
    type: 'string',
    enum: [...SERVICE_TYPES],
    description: 'Says which fields `add` takes',
  }),
  category: Type.String(),
  rate: decimal('Price of 1000, after your discount'),
  original_rate: decimal('Before your discount'),
  discount_percent: Type.Number({ minimum: 0, maximum: 100 }),
  min: wholeText('Least quantity of an order'),
  max: wholeText('Largest quantity of an order'),
  refill: Type.Boolean(),
  cancel: Type.Boolean({ description: 'Whether its orders can be canceled' }),
})

const AddedOrder = closed({
  order: Type.String({ pattern: '^CR-\\d{6}-\\d{4,}$' }),
  original_price: decimal('Before your discount'),
  discount: decimal('What your discount took off'),
  final_price: decimal('What was charged'),
})

const OrderStatus = closed({
  charge: decimal('What it cost, less refunds'),
  start_count: wholeText('`0` until it is known'),
  status: Type.Unsafe<string>({
    type: 'string',
    enum: ['Pending', 'In progress', 'Completed', 'Partial', 'Canceled'],
  }),
  remains: wholeText('Not yet delivered'),
  currency: Currency,
})

const Cancels = Type.Array(
  closed({
    order: Type.String({ description: 'The id as it was sent' }),
    cancel: Type.Union([Type.Literal(1), named('Error')]),
  }),
  { minItems: 1 },
)

const ONE_STATUS = {
  charge: '0.90',
  start_count: '1250',
  status: 'In progress',
  remains: '450',
  currency: 'USD',
}

const ACTIONS: readonly PanelAction[] = [
  {
    action: 'services',
    title: 'Get services list',
    description: 'Every active service, with its rate before and after the discount of your key.',
    requests: [plainRequest('services', 'ServicesRequest')],
    answer: {
      name: 'Services',
      schema: Type.Array(named('Service')),
      example: [
        {
          service: 1,
          name: 'Image tagging',
          type: 'Default',
          category: 'First Category',
          rate: '0.90',
          original_rate: '1.00',
          discount_percent: 10,
          min: '10',
          max: '10000',
          refill: false,
          cancel: true,
        },
      ],
    },
    refuses: [],
  },
  {
    action: 'add',
    title: 'Create new order',
    description:
      'Buys one delivery and takes `final_price` from the wallet. The discount of your key is ' +
      "applied by itself. Which fields it takes depends on the service's `type`.",
    requests: ADD_REQUESTS,
    answer: {
      name: 'AddedOrder',
      schema: AddedOrder,
      example: {
        order: 'CR-202411-0001',
        original_price: '1.00',
        discount: '0.10',
        final_price: '0.90',
      },
    },
    refuses: ADD_REFUSALS,
  },
  {
    action: 'status',
    title: 'Order status',
    description:
      'How far a delivery is: Pending, In progress, and then for good Completed, Partial or ' +
      'Canceled. What was not delivered is refunded.',
    requests: [
      {
        title: 'One order',
        name: 'StatusRequest',
        schema: form('status', { order }),
        example: { action: 'status', order: 'CR-202411-0001' },
      },
    ],
    answer: { name: 'OrderStatus', schema: OrderStatus, example: ONE_STATUS },
    refuses: ['invalid_input', 'order_not_found', 'too_many_ids'],
  },
  {
    action: 'status',
    title: 'Multiple order status',
    description: 'The same of up to 100 orders at once; an order that is unknown says so.',
    requests: [
      {
        title: 'Several orders',
        name: 'MultiStatusRequest',
        schema: form('status', { orders }),
        example: { action: 'status', orders: 'CR-202411-0001,CR-202411-0002' },
      },
    ],
    answer: {
      name: 'OrderStatuses',
      schema: OrderStatuses,
      example: {
        'CR-202411-0001': ONE_STATUS,
        'CR-202411-0002': { error: 'Incorrect order ID' },
      },
    },
    refuses: ['invalid_input', 'too_many_ids'],
  },
  {
    action: 'balance',
    title: 'Account balance',
    description: 'What is in the wallet: two decimals, more where they are needed.',
    requests: [plainRequest('balance', 'BalanceRequest')],
    answer: {
      name: 'Balance',
      schema: Balance,
      example: { balance: '100.50', currency: 'USD' },
    },
    refuses: [],
  },
  {
    action: 'cancel',
    title: 'Cancel order',
    description:
      'Stops one or more deliveries and refunds exactly what was not delivered. Each order is ' +
      'answered for itself.',
    requests: [
      {
        title: 'Fields',
        name: 'CancelRequest',
        schema: form('cancel', { orders, idempotency_key: idempotencyKey }),
        example: { action: 'cancel', orders: 'CR-202411-0001,CR-202411-0002' },
      },
    ],
    answer: {
      name: 'Cancels',
      schema: Cancels,
      example: [
        { order: 'CR-202411-0001', cancel: 1 },
        { order: 'CR-202411-0002', cancel: { error: 'Order cannot be canceled' } },
      ],
    },
    refuses: CANCEL_REFUSALS,
  },
  ...refillActions({ one: 'CR-202411-0001', other: 'CR-202411-0002' }),
]

/** PanelBon's API in words, for its OpenAPI document. */
export const panelbonText: PanelText = {
  dialect: panelbon,
  title: 'PanelBon API v2',
  summary: 'Orders by form, with the discount of the key shown beside each price.',
  description: `Send every request as POST with a form: \`key\` and \`action\` always, and the fields of the action. Multipart and JSON bodies are taken too, and GET with a query.

If your key has a discount, it is applied by itself. A disabled key gets HTTP 401 on every request.

Errors are \`{"error":"…"}\` with the HTTP status below. A key made with \`legacy_errors\` gets them with HTTP 200, for clients that read nothing else.

Name an order with the header \`Idempotency-Key\` (or the field \`idempotency_key\`) and you can send it again after a lost connection: it is bought once, and the repeat gets the first answer. A name is kept for 30 days.

An address may send 1000 requests a minute to this API and the panel API together; the \`RateLimit-*\` headers count along.`,
  actions: ACTIONS,
  shapes: { Service },
}
