import { type TSchema, Type } from 'typebox'
import { REFILL_REFUSALS } from './panel-errors.ts'
import type { PanelAction } from './panel-openapi.ts'
import { closed, form, idempotencyKey, named, order, orders } from './panel-schemas.ts'

const refill = Type.String({ description: 'One refill, by the number that `refill` answered' })
const refills = Type.String({ description: 'Up to 100 refills, divided by commas' })
const SentId = Type.Union([Type.Integer(), Type.String()], {
  description: 'The id: a number as a number, anything else as the text that was sent',
})
const Status = Type.Unsafe<string>({
  type: 'string',
  enum: ['Pending', 'In progress', 'Completed', 'Rejected', 'Error'],
})

/** `refill` and `refill_status`, which both panels have alike, with orders named as `ids`. */
export function refillActions(ids: {
  readonly one: string | number
  readonly other: string | number
}): readonly PanelAction[] {
  const { one, other } = ids
  return [
    {
      action: 'refill',
      title: 'Create refill',
      description:
        'Has what was lost since an order was delivered delivered again, at no charge: where the ' +
        'service has refill, within its days after the end, and some time after the last refill.',
      requests: [
        request(
          'refill',
          'RefillRequest',
          { order, idempotency_key: idempotencyKey },
          { order: one },
        ),
      ],
      answer: {
        name: 'Refill',
        schema: closed({ refill: Type.String({ pattern: '^\\d+$', description: 'Its number' }) }),
        example: { refill: '1' },
      },
      refuses: ['order_not_found', 'order_not_refillable', ...REFILL_REFUSALS],
    },
    {
      action: 'refill',
      title: 'Create multiple refill',
      description: 'The same of up to 100 orders at once, each answered for itself.',
      requests: [
        request(
          'refill',
          'RefillsRequest',
          { orders, idempotency_key: idempotencyKey },
          { orders: `${one},${other}` },
        ),
      ],
      answer: {
        name: 'Refills',
        schema: listOf({ order: SentId, refill: Type.Union([Type.Integer(), named('Error')]) }),
        example: [
          { order: one, refill: 1 },
          { order: other, refill: { error: 'Incorrect order ID' } },
        ],
      },
      refuses: ['too_many_ids', ...REFILL_REFUSALS],
    },
    {
      action: 'refill_status',
      title: 'Get refill status',
      description:
        'How far a refill is: Pending, In progress, and then for good Completed, Rejected (the ' +
        'provider found nothing to refill) or Error (it came to nothing).',
      requests: [request('refill_status', 'RefillStatusRequest', { refill }, { refill: '1' })],
      answer: {
        name: 'RefillStatus',
        schema: closed({ status: Status }),
        example: { status: 'Completed' },
      },
      refuses: ['invalid_input', 'refill_not_found'],
    },
    {
      action: 'refill_status',
      title: 'Get multiple refill status',
      description: 'The same of up to 100 refills at once; one that is unknown says so.',
      requests: [
        request('refill_status', 'RefillStatusesRequest', { refills }, { refills: '1,3' }),
      ],
      answer: {
        name: 'RefillStatuses',
        schema: listOf({ refill: SentId, status: Type.Union([Status, named('Error')]) }),
        example: [
          { refill: 1, status: 'Completed' },
          { refill: 3, status: { error: 'Refill not found' } },
        ],
      },
      refuses: ['invalid_input', 'too_many_ids'],
    },
  ]
}

function request(
  action: string,
  name: string,
  fields: Record<string, TSchema>,
  example: Record<string, string | number>,
) {
  return { title: 'Fields', name, schema: form(action, fields), example: { action, ...example } }
}

function listOf(properties: Record<string, TSchema>) {
  return Type.Array(closed(properties), { minItems: 1 })
}
