import { endOfLocalDay } from '../../lib/periods.ts'
import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import { QUANTITY_MAX } from '../catalogue/service.ts'
import { invalidField } from '../refusal.ts'
import {
  checkLimits,
  isGiven,
  type OrderRequest,
  readName,
  readNumberWithin,
} from './order-fields.ts'
import type { OrderWork } from './order-work.ts'

/** What is known of who asks, and who delivers, when the request is read. */
export interface OrderSetting {
  readonly now: Date
  /** The account's, by which the day of an expiry ends. */
  readonly timeZone: string
  /** Whether the provider tells of new posts; one that does not is given the order as a whole. */
  readonly reportsPosts: boolean
}

const POSTS_MAX = 10_000n
const DELAY_MINUTES_MAX = 43_200n

/**
 * The work of an order that follows the posts of `username`: for each of `posts` posts a multiple of
 * the service's step between `min` and `max`, `delay` minutes after it was seen. All of it is charged at the upper
 * bound, posts × max; posts that were published before count among `posts`.
 */
export function readFollowedWork(
  service: CatalogueService,
  request: OrderRequest,
  setting: OrderSetting,
): OrderWork {
  const username = readName(request, 'username')
  const limits = { least: 1n, most: BigInt(QUANTITY_MAX) }
  const min = readNumberWithin(request, 'min', limits)
  const max = readNumberWithin(request, 'max', limits)
  checkLimits(service, min, { field: 'min', name: 'min' })
  checkLimits(service, max, { field: 'max', name: 'max' })
  if (min > max) throw invalidField('/max', 'max must not be less than min')
  const { quantityStep: step } = service
  if (max - (max % step) < min) {
    throw invalidField('/max', `there must be a multiple of ${step} from min to max`)
  }
  const delay = readNumberWithin(request, 'delay', { least: 0n, most: DELAY_MINUTES_MAX })
  const posts = isGiven(request, 'posts')
    ? readNumberWithin(request, 'posts', { least: 1n, most: POSTS_MAX })
    : 1n
  const oldPosts = isGiven(request, 'old_posts')
    ? readNumberWithin(request, 'old_posts', { least: 0n, most: POSTS_MAX })
    : 0n
  const expiry = isGiven(request, 'expiry') ? readExpiry(request, setting) : null
  const quantity = posts * max
  if (quantity > BigInt(QUANTITY_MAX)) {
    throw invalidField('/posts', `posts × max must be at most ${QUANTITY_MAX}`)
  }
  return {
    link: username,
    quantity,
    params: {
      username,
      min: String(min),
      max: String(max),
      delay: String(delay),
      posts: String(posts),
      old_posts: String(oldPosts),
      ...(expiry === null ? {} : { expiry }),
      ...(step === 1n ? {} : { step: String(step) }),
    },
    unfolds: setting.reportsPosts,
  }
}

/** A day of the calendar that has not ended where the account is. */
function readExpiry(request: OrderRequest, { now, timeZone }: OrderSetting): string {
  const expiry = request.expiry?.trim() ?? ''
  const end = endOfLocalDay(expiry, timeZone)
  if (end === undefined) throw invalidField('/expiry', 'expiry must be a day, as YYYY-MM-DD')
  if (end <= now) throw invalidField('/expiry', 'expiry is over already')
  return expiry
}
