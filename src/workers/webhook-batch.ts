import type { ClaimedEndpoint, DueMessage } from '../core/webhooks/claim-messages.ts'
import type { Delivery, EndpointDeliveries } from '../core/webhooks/record-deliveries.ts'
import type { WebhookSender } from '../core/webhooks/webhook-sender.ts'

/** Messages to one endpoint at once, while it takes them; it begins with two. */
const WINDOW_MAX = 16
const WINDOW_START = 2
/** So many failures in a row, and the rest of the batch is left for another time. */
const FAILURES_MAX = 5
/** No message is begun after this: together with the last one's timeout well within the lease. */
const BATCH_MS = 10_000

/**
 * Sends the messages of a claimed endpoint: one of an order at a time and in order, several orders
 * at once. An endpoint that fails is tried with one message; where one does not answer at all, the
 * others are not sent. Those that were not sent are missing from the answer.
 */
export async function sendBatch(
  sender: WebhookSender,
  endpoint: ClaimedEndpoint,
  o: { secrets: readonly string[]; isStopping: () => boolean },
): Promise<EndpointDeliveries> {
  const lines = [...Map.groupBy(endpoint.messages, ({ orderId }) => orderId).values()]
  const deliveries: Delivery[] = []
  const startedMs = performance.now()
  const failuresMax = endpoint.isFailing ? 1 : FAILURES_MAX
  let window = endpoint.isFailing ? 1 : WINDOW_START
  let failures = 0
  let isOver = false
  const sending = new Set<Promise<void>>()

  const sendFirstOf = async (line: DueMessage[]): Promise<void> => {
    const message = line.shift()
    if (message === undefined) return
    const { eventId: id, body } = message
    const answer = await sender.send({ url: endpoint.url, id, body, secrets: o.secrets })
    if (answer.kind === 'stopped') {
      isOver = true
      return
    }
    deliveries.push({ message, answer, random: Math.random() })
    if (answer.kind === 'answered' && answer.status >= 200 && answer.status < 300) {
      failures = 0
      window = Math.min(window * 2, WINDOW_MAX)
      if (line.length > 0) lines.push(line)
      return
    }
    failures++
    if (answer.kind === 'unreachable' || failures >= failuresMax) isOver = true
  }

  for (;;) {
    isOver ||= o.isStopping() || performance.now() - startedMs > BATCH_MS
    while (!isOver && sending.size < window) {
      const line = lines.shift()
      if (line === undefined) break
      const one = sendFirstOf(line).finally(() => sending.delete(one))
      sending.add(one)
    }
    if (sending.size === 0) break
    await Promise.race(sending)
  }
  return { endpointId: endpoint.id, lease: endpoint.lease, deliveries }
}
