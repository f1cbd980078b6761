import { invalidField, Refusal } from '../../core/refusal.ts'
import { parseNumber } from '../../lib/ids.ts'

export const LIMIT_DEFAULT = 20

/** A number as an id of a path; what is none names no object: refused `not_found`. */
export function readId(text: string): bigint {
  const id = parseNumber(text)
  if (id === undefined) throw new Refusal('not_found')
  return id
}

/** An id within a body or a query; refused as that field's fault. */
export function readIdField(text: string, pointer: string): bigint {
  const id = parseNumber(text)
  if (id === undefined) throw invalidField(pointer, 'must be an id')
  return id
}

/** Where a page begins and how long it is; one more row tells whether there is another. */
export interface PageAsked {
  readonly limit: number
  readonly from: bigint | undefined
}

/** Reads `limit` and `cursor` of the list `name`. A cursor of another list is refused. */
export function readPage(name: string, query: { limit?: number; cursor?: string }): PageAsked {
  return {
    limit: query.limit ?? LIMIT_DEFAULT,
    from: query.cursor === undefined ? undefined : readCursor(name, query.cursor),
  }
}

const NO_CURSOR = 'must be the nextCursor of this list'

function readCursor(name: string, cursor: string): bigint {
  const [list, text = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ')
  const id = parseNumber(text)
  if (list !== name || id === undefined) {
    throw new Refusal('invalid_input', {
      detail: 'The request query failed validation.',
      fields: [{ pointer: '/cursor', detail: NO_CURSOR, code: 'invalid_value' }],
    })
  }
  return id
}

/** The page of `rows`, of which up to `limit + 1` were read, rendered. */
export function toPage<Row extends { readonly id: string }, Shown>(
  name: string,
  o: { rows: readonly Row[]; limit: number; render: (row: Row) => Shown },
): { data: Shown[]; hasMore: boolean; nextCursor: string | null } {
  const shown = o.rows.slice(0, o.limit)
  const hasMore = o.rows.length > o.limit
  const last = shown.at(-1)
  return {
    data: shown.map(o.render),
    hasMore,
    nextCursor:
      hasMore && last ? Buffer.from(`${name} ${last.id}`, 'utf8').toString('base64url') : null,
  }
}
