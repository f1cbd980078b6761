import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { isText } from '../text-field.ts'

/** What an order is asked with: every field as the caller's text; absent and empty are the same. */
export interface OrderRequest {
  readonly service?: string
  readonly link?: string
  readonly quantity?: string
  readonly keywords?: string
  readonly comments?: string
  readonly groups?: string
  readonly answer_number?: string
  readonly runs?: string
  readonly interval?: string
}

export const ORDER_FIELDS = [
  'service',
  'link',
  'quantity',
  'keywords',
  'comments',
  'groups',
  'answer_number',
  'runs',
  'interval',
] as const satisfies readonly (keyof OrderRequest)[]

/** What is delivered, and where. `params` is what the type asks for beside link and quantity. */
export interface OrderWork {
  readonly link: string
  readonly quantity: bigint
  readonly params: Readonly<Record<string, string | readonly string[]>> | null
}

const LINK_LENGTH_MAX = 2048
const LINES_MAX = 10_000
const LINE_LENGTH_MAX = 2_000
const ASCII_WHOLE_NUMBER = /^\d{1,18}$/

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
    if (request[field]?.trim()) readWholeNumber(request, field)
  }
  if (!ASCII_WHOLE_NUMBER.test(service)) throw new Refusal('service_not_found')
  return BigInt(service)
}

/**
 * The work that `request` asks of `service`, by the rules of its type. Refuses `invalid_input`
 * naming the field and what to change, `type_not_orderable` and `feature_unavailable`.
 * Source: the order panel's "Add order".
 */
export function readOrderWork(service: CatalogueService, request: OrderRequest): OrderWork {
  if (service.type === 'Subscriptions') {
    throw new Refusal('type_not_orderable', {
      detail: 'Subscriptions are created on the customer site, not through the API',
    })
  }
  if (service.type === 'Custom Comments Package') {
    throw new Refusal('feature_unavailable', {
      detail: 'Custom Comments Package cannot be ordered yet',
    })
  }
  if (request.runs || request.interval) {
    throw new Refusal('feature_unavailable', {
      detail: 'Drip-feed is not available yet: send the order without runs and interval',
    })
  }
  const link = readLink(request)
  switch (service.type) {
    case 'Default':
      return { link, quantity: readQuantity(service, request), params: null }
    case 'Package':
      return { link, quantity: service.packageQuantity ?? 1n, params: null }
    case 'SEO': {
      const keywords = readLines(request, 'keywords', /[,\r\n]+/)
      return { link, quantity: readQuantity(service, request), params: { keywords } }
    }
    case 'Custom Comments': {
      const comments = readLines(request, 'comments', /\r\n|\n|\r/)
      const quantity = BigInt(comments.length)
      checkRange(service, quantity, 'comments', 'the number of comments')
      return { link, quantity, params: { comments } }
    }
    case 'Poll': {
      const answer = readWholeNumber(request, 'answer_number')
      if (answer < 1n || answer > 1_000_000n) {
        throw invalidField('/answer_number', 'answer_number must be 1, 2, 3 …')
      }
      const quantity = readQuantity(service, request)
      return { link, quantity, params: { answer_number: String(answer) } }
    }
    case 'Invites from Groups': {
      const groups = readLines(request, 'groups', /[\r\n]+/)
      return { link, quantity: readQuantity(service, request), params: { groups } }
    }
    default:
      throw new Refusal('feature_unavailable', { detail: `${service.type} cannot be ordered yet` })
  }
}

function required(request: OrderRequest, field: keyof OrderRequest): string {
  const text = request[field]?.trim()
  if (!text) throw invalidField(`/${field}`, `${field} is required`, 'missing_required')
  return text
}

function readLink(request: OrderRequest): string {
  const link = required(request, 'link')
  if (link.length > LINK_LENGTH_MAX) {
    throw invalidField('/link', `link is longer than ${LINK_LENGTH_MAX} characters`)
  }
  return link
}

/** Plain ASCII digits: no sign, no exponent, no decimals, no digits of other scripts. */
function readWholeNumber(request: OrderRequest, field: 'quantity' | 'answer_number'): bigint {
  const text = required(request, field)
  if (!ASCII_WHOLE_NUMBER.test(text)) {
    throw invalidField(`/${field}`, `${field} must be a whole number`)
  }
  return BigInt(text)
}

function readQuantity(service: CatalogueService, request: OrderRequest): bigint {
  const quantity = readWholeNumber(request, 'quantity')
  checkRange(service, quantity, 'quantity', 'quantity')
  return quantity
}

function checkRange(
  service: CatalogueService,
  quantity: bigint,
  field: string,
  name: string,
): void {
  if (quantity < service.minQuantity || quantity > service.maxQuantity) {
    throw invalidField(
      `/${field}`,
      `${name} must be between ${service.minQuantity} and ${service.maxQuantity}`,
    )
  }
}

function readLines(
  request: OrderRequest,
  field: 'keywords' | 'comments' | 'groups',
  separator: RegExp,
): string[] {
  const lines = required(request, field)
    .split(separator)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) {
    throw invalidField(`/${field}`, `${field} is required`, 'missing_required')
  }
  if (lines.length > LINES_MAX) {
    throw invalidField(`/${field}`, `${field} has more than ${LINES_MAX} lines`)
  }
  if (lines.some((line) => line.length > LINE_LENGTH_MAX)) {
    throw invalidField(`/${field}`, `a line of ${field} has over ${LINE_LENGTH_MAX} characters`)
  }
  return lines
}
