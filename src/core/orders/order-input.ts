import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import { matchesLinkPattern } from '../catalogue/link-pattern.ts'
import { QUANTITY_MAX } from '../catalogue/service.ts'
import { type CountedType, isCounted } from '../catalogue/service-type.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { isText } from '../text-field.ts'
import { type OrderSetting, readFollowedWork } from './followed-work.ts'
import {
  checkQuantity,
  isGiven,
  ORDER_FIELDS,
  type OrderField,
  type OrderRequest,
  readLines,
  readLink,
  readName,
  readNumberWithin,
  readQuantity,
  readServiceId,
  readWholeNumber,
  required,
} from './order-fields.ts'
import type { OrderParams, OrderWork } from './order-work.ts'

/** Refuses what no service could accept, before the catalogue is asked. */
export function checkOrderRequest(request: OrderRequest): bigint {
  for (const field of ORDER_FIELDS) {
    const text = request[field]
    if (text !== undefined && !isText(text)) {
      throw invalidField(`/${field}`, `${field} contains a character that is not text`)
    }
  }
  const service = required(request, 'service')
  // What is no number for any service is wrong before it is asked which service it is for.
  for (const field of ['quantity', 'answer_number'] as const) {
    if (isGiven(request, field)) readWholeNumber(request, field)
  }
  const serviceId = readServiceId(service)
  if (serviceId === undefined) throw new Refusal('service_not_found')
  return serviceId
}

/**
 * The work that `request` asks of `service`, by the rules of its type and its own. Refuses
 * `invalid_input` naming the field and what to change, and `type_not_orderable`.
 * Source: the order panel's "Add order".
 */
export function readOrderWork(
  service: CatalogueService,
  request: OrderRequest,
  setting: OrderSetting,
): OrderWork {
  if (service.type === 'Subscriptions') {
    throw new Refusal('type_not_orderable', {
      detail: 'Subscriptions are created on the customer site, not through the API',
    })
  }
  if (service.type === 'Custom Comments Package') {
    const isFollowing = USERNAME_FORM.some((field) => isGiven(request, field))
    if (isFollowing && LINK_FORM.some((field) => isGiven(request, field))) {
      throw invalidField(
        '/username',
        'send username, min, max and delay, or link and comments, not both',
      )
    }
    if (isFollowing || !LINK_FORM.some((field) => isGiven(request, field))) {
      checkWithoutRuns(request)
      return readFollowedWork(service, request, setting)
    }
  }
  const link = readLink(request)
  if (service.linkPattern !== null && !matchesLinkPattern(service.linkPattern, link)) {
    throw invalidField('/link', 'link is not one that this service takes')
  }
  if (!isCounted(service.type)) {
    checkWithoutRuns(request)
    return { link, ...readUncounted(service, request), unfolds: false }
  }
  const params = COUNTED[service.type](request)
  return withRuns(service, request, {
    link,
    quantity: readQuantity(service, request),
    params: Object.keys(params).length === 0 ? null : params,
    unfolds: false,
  })
}

const USERNAME_FORM: readonly OrderField[] = [
  'username',
  'min',
  'max',
  'delay',
  'posts',
  'old_posts',
  'expiry',
]
const LINK_FORM: readonly OrderField[] = ['link', 'comments']
const ANSWER_NUMBER = { least: 1n, most: 1_000_000n }

/** What the types that are asked for with a quantity need beside it. */
const COUNTED: Readonly<Record<CountedType, (request: OrderRequest) => OrderParams>> = {
  Default: () => ({}),
  SEO: (request) => ({ keywords: readLines(request, 'keywords') }),
  Poll: (request) => ({ answer_number: String(readAnswerNumber(request)) }),
  'Invites from Groups': (request) => ({ groups: readLines(request, 'groups') }),
  Mentions: (request) => ({ usernames: readLines(request, 'usernames') }),
  'Mentions with Hashtags': (request) => ({
    usernames: readLines(request, 'usernames'),
    hashtags: readLines(request, 'hashtags'),
  }),
  'Mentions Hashtag': (request) => ({ hashtag: readName(request, 'hashtag') }),
  'Mentions User Followers': (request) => ({ username: readName(request, 'username') }),
  'Mentions Media Likers': (request) => ({ media: readName(request, 'media') }),
  'Comment Likes': (request) => ({ username: readName(request, 'username') }),
}

function readAnswerNumber(request: OrderRequest): bigint {
  const answer = readWholeNumber(request, 'answer_number')
  if (answer < ANSWER_NUMBER.least || answer > ANSWER_NUMBER.most) {
    throw invalidField('/answer_number', 'answer_number must be 1, 2, 3 …')
  }
  return answer
}

/** The types whose quantity follows from the service or from a list. */
function readUncounted(
  service: CatalogueService,
  request: OrderRequest,
): Pick<OrderWork, 'quantity' | 'params'> {
  switch (service.type) {
    case 'Package':
      return { quantity: service.packageQuantity ?? 1n, params: null }
    case 'Custom Comments':
    case 'Custom Comments Package': {
      const comments = readLines(request, 'comments')
      if (service.packageQuantity !== null) {
        return { quantity: service.packageQuantity, params: { comments } }
      }
      const quantity = BigInt(comments.length)
      checkQuantity(service, quantity, { field: 'comments', name: 'the number of comments' })
      return { quantity, params: { comments } }
    }
    case 'Mentions Custom List': {
      const usernames = readLines(request, 'usernames')
      const quantity = BigInt(usernames.length)
      checkQuantity(service, quantity, { field: 'usernames', name: 'the number of usernames' })
      return { quantity, params: { usernames } }
    }
    default:
      throw new Error(`nothing says what an order of ${service.type} takes`)
  }
}

const RUNS = { least: 1n, most: 1_000n }
const INTERVAL_MINUTES = { least: 1n, most: 43_200n }

/** The work, delivered `runs` times with `interval` minutes between; one run is a plain order. */
function withRuns(service: CatalogueService, request: OrderRequest, work: OrderWork): OrderWork {
  if (!isGiven(request, 'runs') && !isGiven(request, 'interval')) return work
  if (!service.canDripfeed) {
    const field = isGiven(request, 'runs') ? 'runs' : 'interval'
    throw invalidField(
      `/${field}`,
      'this service has no drip-feed: send the order without runs and interval',
    )
  }
  const runs = readNumberWithin(request, 'runs', RUNS)
  if (runs === 1n && !isGiven(request, 'interval')) return work
  const interval = readNumberWithin(request, 'interval', INTERVAL_MINUTES)
  if (runs === 1n) return work
  const quantity = work.quantity * runs
  if (quantity > BigInt(QUANTITY_MAX)) {
    throw invalidField('/runs', `quantity × runs must be at most ${QUANTITY_MAX}`)
  }
  const params = { ...work.params, runs: String(runs), interval: String(interval) }
  return { ...work, quantity, params, unfolds: true }
}

function checkWithoutRuns(request: OrderRequest): void {
  for (const field of ['runs', 'interval'] as const) {
    if (isGiven(request, field)) {
      throw invalidField(`/${field}`, `this type of service has no drip-feed: leave ${field} out`)
    }
  }
}
