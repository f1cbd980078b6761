import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Operation, OperationContext } from '../operation.ts'
import type { DueMessage } from './claim-messages.ts'
import { RETRIED_FOR_MS, retryWaitMs, TEST_ORDER_ID } from './webhook.ts'
import type { WebhookAnswer } from './webhook-sender.ts'
import { releaseEndpoints, writeDeliveries } from './webhook-store.ts'

/** What came of sending one message. */
export interface Delivery {
  readonly message: DueMessage
  readonly answer: Exclude<WebhookAnswer, { kind: 'stopped' }>
  /** 0 to 1: by how much the next attempt is put off from the plan. */
  readonly random: number
}

/** What came of a claimed endpoint's messages; those that were not sent are not named. */
export interface EndpointDeliveries {
  readonly endpointId: bigint
  readonly lease: string
  readonly deliveries: readonly Delivery[]
}

export interface RecordDeliveriesInput {
  readonly endpoints: readonly EndpointDeliveries[]
}

/** The longest that a receiver may ask to be left alone. */
const RETRY_AFTER_MAX_MS = 60 * 60_000

/**
 * Writes what came of the messages of claimed endpoints, and gives the endpoints back: to be looked
 * at when their next message is due, or where nothing gets through, ever less often. Answers which
 * have failed for so long that they are to be switched off.
 */
export const recordDeliveries: Operation<RecordDeliveriesInput, { dead: string[] }> = {
  name: 'webhook.record_deliveries',
  permission: 'system',
  async run(context, { endpoints }) {
    const standing = endpoints.map(({ endpointId, lease, deliveries }) => ({
      endpointId,
      lease,
      succeeded: deliveries.some(isReceived),
      failed: deliveries.length > 0 && !deliveries.some(isReceived),
    }))
    await lockAll(context, standing)
    const writes = endpoints.flatMap(({ endpointId, deliveries }) =>
      deliveries.map((delivery) => ({ endpointId, ...outcomeOf(delivery, context.now) })),
    )
    await writeDeliveries(context, writes)
    const before = new Date(context.now.getTime() - RETRIED_FOR_MS)
    return { dead: await releaseEndpoints(context, { standing, failingBefore: before }) }
  },
}

async function lockAll(
  { tx }: OperationContext,
  endpoints: readonly { endpointId: bigint }[],
): Promise<void> {
  const column = columnOf(endpoints)
  await sql`select from webhook_endpoint
    where id = any (${column((one) => one.endpointId)}::bigint[])
    order by id for no key update`.execute(tx)
}

/** What came of one attempt: received is what was answered with 2xx. */
export function attemptOutcome(answer: Delivery['answer']): 'received' | 'refused' | 'unreachable' {
  if (answer.kind === 'unreachable') return 'unreachable'
  return answer.status >= 200 && answer.status < 300 ? 'received' : 'refused'
}

function isReceived({ answer }: Delivery): boolean {
  return attemptOutcome(answer) === 'received'
}

function outcomeOf(delivery: Delivery, now: Date) {
  const { message, answer } = delivery
  const said =
    answer.kind === 'answered'
      ? { status: answer.status, error: null }
      : { status: null, error: answer.error }
  const row = { messageId: message.id, orderId: message.orderId, ...said }
  if (isReceived(delivery)) return { ...row, state: 'delivered', nextAt: null } as const
  const isOver = now.getTime() - message.createdAt.getTime() >= RETRIED_FOR_MS
  if (isOver || message.orderId === TEST_ORDER_ID) {
    return { ...row, state: 'failed', nextAt: null } as const
  }
  const askedMs = (answer.kind === 'answered' && answer.retryAfterMs) || 0
  const waitMs = Math.max(
    retryWaitMs(message.attempts + 1, delivery.random),
    Math.min(askedMs, RETRY_AFTER_MAX_MS),
  )
  return { ...row, state: 'pending', nextAt: new Date(now.getTime() + waitMs) } as const
}
