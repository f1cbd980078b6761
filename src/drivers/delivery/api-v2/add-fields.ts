import { createHash } from 'node:crypto'
import type { DeliveryRequest } from '../../../core/orders/delivery-driver.ts'

/** The types whose quantity is sent; for the others it follows from the service or a list. */
const COUNTED: ReadonlySet<DeliveryRequest['type']> = new Set([
  'Default',
  'SEO',
  'Poll',
  'Invites from Groups',
  'Mentions',
  'Mentions with Hashtags',
  'Mentions Hashtag',
  'Mentions User Followers',
  'Mentions Media Likers',
  'Comment Likes',
])
/** The two forms that follow a user: they name no link. */
const FOLLOWED_BY = 'username'
const FOLLOWING: ReadonlySet<DeliveryRequest['type']> = new Set([
  'Subscriptions',
  'Custom Comments Package',
])
/** Fields of `add` that are kept with an order under the same names. */
const PARAMS = [
  'keywords',
  'comments',
  'answer_number',
  'groups',
  'usernames',
  'hashtags',
  'username',
  'hashtag',
  'media',
  'min',
  'max',
  'delay',
  'posts',
  'old_posts',
  'expiry',
] as const

/** The fields of `add` for an order, in the family's words. Lists are sent one to a line. */
export function addFields(
  request: DeliveryRequest,
  upstreamService: string,
): Record<string, string> {
  const params = Object(request.params ?? {}) as Readonly<Record<string, unknown>>
  const follows = FOLLOWING.has(request.type) && params[FOLLOWED_BY] !== undefined
  const fields: Record<string, string> = { action: 'add', service: upstreamService }
  if (!follows) fields.link = request.link
  if (COUNTED.has(request.type)) fields.quantity = String(request.quantity)
  for (const name of PARAMS) {
    const value = params[name]
    if (value === undefined || value === null) continue
    fields[name] = Array.isArray(value) ? value.join('\n') : String(value)
  }
  return fields
}

/**
 * The idempotency key of an order's `add`: the same for as long as there is the order. The digest
 * of what is delivered tells it from another order that was given the same number after a
 * restoration from a backup.
 */
export function addKey(installation: string, request: DeliveryRequest): string {
  const { quantity, link, params } = request
  const work = JSON.stringify([String(quantity), link, sorted(params)])
  const digest = createHash('sha256').update(work).digest('hex').slice(0, 12)
  return `purser-${installation}-${request.orderId}-${digest}`
}

/** PostgreSQL keeps the fields of JSON in an order of its own. */
function sorted(params: unknown): unknown {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return params ?? null
  return Object.entries(params).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
