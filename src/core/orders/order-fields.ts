import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import { invalidField } from '../refusal.ts'

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
  readonly username?: string
  readonly min?: string
  readonly max?: string
  readonly delay?: string
  readonly posts?: string
  readonly old_posts?: string
  readonly expiry?: string
  readonly usernames?: string
  readonly hashtags?: string
  readonly hashtag?: string
  readonly media?: string
}

export type OrderField = keyof OrderRequest

/** New ones go to the end: what a request hashes to under its idempotency key must not move. */
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
  'username',
  'min',
  'max',
  'delay',
  'posts',
  'old_posts',
  'expiry',
  'usernames',
  'hashtags',
  'hashtag',
  'media',
] as const satisfies readonly OrderField[]

const LINK_LENGTH_MAX = 2048
const LINES_MAX = 10_000
const LINE_LENGTH_MAX = 2_000
const ASCII_WHOLE_NUMBER = /^\d{1,18}$/

/** A whole number as an order may name its service; undefined: no service has such a name. */
export function readServiceId(text: string): bigint | undefined {
  return ASCII_WHOLE_NUMBER.test(text) ? BigInt(text) : undefined
}

export function isGiven(request: OrderRequest, field: OrderField): boolean {
  return (request[field]?.trim() ?? '') !== ''
}

export function required(request: OrderRequest, field: OrderField): string {
  const text = request[field]?.trim()
  if (!text) throw invalidField(`/${field}`, `${field} is required`, 'missing_required')
  return text
}

export function readLink(request: OrderRequest): string {
  const link = required(request, 'link')
  if (link.length > LINK_LENGTH_MAX) {
    throw invalidField('/link', `link is longer than ${LINK_LENGTH_MAX} characters`)
  }
  return link
}

/** A name of one line. */
export function readName(request: OrderRequest, field: 'username' | 'hashtag' | 'media'): string {
  const name = required(request, field)
  if (name.length > LINE_LENGTH_MAX) {
    throw invalidField(`/${field}`, `${field} is longer than ${LINE_LENGTH_MAX} characters`)
  }
  if (/[\r\n]/.test(name)) throw invalidField(`/${field}`, `${field} must be one line`)
  return name
}

/** Plain ASCII digits: no sign, no exponent, no decimals, no digits of other scripts. */
export function readWholeNumber(request: OrderRequest, field: OrderField): bigint {
  const text = required(request, field)
  if (!ASCII_WHOLE_NUMBER.test(text)) {
    throw invalidField(`/${field}`, `${field} must be a whole number`)
  }
  return BigInt(text)
}

/** As readWholeNumber, from `least` to `most`. */
export function readNumberWithin(
  request: OrderRequest,
  field: OrderField,
  { least, most }: { least: bigint; most: bigint },
): bigint {
  const number = readWholeNumber(request, field)
  if (number < least || number > most) {
    throw invalidField(`/${field}`, `${field} must be between ${least} and ${most}`)
  }
  return number
}

export function readQuantity(service: CatalogueService, request: OrderRequest): bigint {
  const quantity = readWholeNumber(request, 'quantity')
  checkQuantity(service, quantity, { field: 'quantity', name: 'quantity' })
  return quantity
}

/** Refuses what is not between the service's min and max, or not a multiple of its step. */
export function checkQuantity(
  service: CatalogueService,
  quantity: bigint,
  { field, name }: { field: OrderField; name: string },
): void {
  checkLimits(service, quantity, { field, name })
  if (quantity % service.quantityStep !== 0n) {
    throw invalidField(`/${field}`, `${name} must be a multiple of ${service.quantityStep}`)
  }
}

/** Refuses what is not between the service's min and max. */
export function checkLimits(
  service: CatalogueService,
  quantity: bigint,
  { field, name }: { field: OrderField; name: string },
): void {
  if (quantity < service.minQuantity || quantity > service.maxQuantity) {
    throw invalidField(
      `/${field}`,
      `${name} must be between ${service.minQuantity} and ${service.maxQuantity}`,
    )
  }
}

const LINE_ENDS = /\r\n|\n|\r/
const COMMAS_OR_LINE_ENDS = /[,\r\n]+/

/** The entries that are not empty, of which there must be one. */
export function readLines(
  request: OrderRequest,
  field: 'keywords' | 'comments' | 'groups' | 'usernames' | 'hashtags',
): string[] {
  // A comma is part of a comment.
  const separator = field === 'comments' || field === 'groups' ? LINE_ENDS : COMMAS_OR_LINE_ENDS
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
