import type { Db } from '../../db/database.ts'
import { cursorOf, placeOf } from '../events/event-feed.ts'
import { readChanges } from './order-changes.ts'
import { changeBody, eventName } from './webhook.ts'

/** What an order had become, as a webhook tells it. */
export interface OrderFeedItem {
  readonly id: string
  readonly cursor: string
  readonly createdAt: string
  /** The text of the webhook's body. */
  readonly body: string
}

/**
 * The changes of an account's orders after `after`, oldest first: the same that its endpoints are
 * told, for who would rather ask. None is ever passed over, as in the operators' feed.
 * Refuses `invalid_input` for what is no cursor of this installation.
 */
export async function readOrderFeed(
  db: Db,
  o: { accountId: bigint; after: string | null; limit: number },
): Promise<{ items: OrderFeedItem[]; hasMore: boolean; next: string | null }> {
  const after = await placeOf(db, o.after)
  const limit = o.limit + 1
  const changes = await readChanges(db, { accountId: o.accountId, after, since: null, limit })
  const items = changes.slice(0, o.limit).map((change) => ({
    id: eventName(change),
    cursor: cursorOf(change),
    createdAt: change.createdAt.toISOString(),
    body: changeBody(change),
  }))
  return { items, hasMore: changes.length > o.limit, next: items.at(-1)?.cursor ?? o.after }
}
