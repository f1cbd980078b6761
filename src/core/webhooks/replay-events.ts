import { cursorOf, placeOf } from '../events/event-feed.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { type EndpointInput, lockOwn, requireActive } from './change-endpoint.ts'
import { type PlacedChange, readChanges } from './order-changes.ts'
import { changeBody, eventName } from './webhook.ts'
import { countWaiting, insertMessages } from './webhook-store.ts'

export interface ReplayEventsInput extends EndpointInput {
  /** From this moment on; null: from the first event. */
  readonly since: Date | null
  /** Where the replay before ended; null: it is the first. */
  readonly after: string | null
}

/** What is sent again by one asking: more is asked for with `next`. */
const REPLAY_MAX = 10_000
/** While so many wait for the endpoint nothing is sent again. */
const WAITING_MAX = 20_000

/**
 * Sends to an endpoint again, under the same names, what the account's orders became since a
 * moment, whether it was told before or not. Refuses `not_found`, `invalid_input`, and
 * `invalid_state` for an endpoint that is off, or for which too much waits already.
 */
export const replayEvents: Operation<ReplayEventsInput, { queued: number; next: string | null }> = {
  name: 'webhook_endpoint.replay',
  permission: 'write:orders',
  async run(context, input) {
    const endpoint = await lockOwn(context, input)
    requireActive(endpoint)
    if (
      (await countWaiting(context.tx, { endpointId: endpoint.id, upTo: WAITING_MAX })) >=
      WAITING_MAX
    ) {
      throw new Refusal('invalid_state', {
        detail: `${WAITING_MAX} messages wait for this endpoint already: let it take those first.`,
      })
    }
    const { id: endpointId, account_id: accountId } = endpoint
    const changes = await readChanges(context.tx, {
      accountId,
      since: input.since,
      after: await placeOf(context.tx, input.after),
      limit: REPLAY_MAX + 1,
    })
    const sent = changes.slice(0, REPLAY_MAX)
    // What an order ended from goes before its end, wherever the two stand in the feed.
    const begun = (change: PlacedChange) => change.kind === 'order.in_progress'
    const inOrder = [...sent.filter(begun), ...sent.filter((change) => !begun(change))]
    const messages = inOrder.map((change) => ({
      endpointId,
      accountId,
      orderId: change.orderId,
      eventId: eventName(change),
      body: changeBody(change),
    }))
    await insertMessages(context, messages, true)
    const queued = messages.length
    if (queued > 0) {
      const data = { queued }
      context.record({ kind: 'webhook_endpoint.replayed', subjectId: endpointId, accountId, data })
    }
    const last = sent.at(-1)
    return { queued, next: changes.length > REPLAY_MAX && last ? cursorOf(last) : null }
  },
}
