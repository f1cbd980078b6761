import type { FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { nullable } from '../../http/rest/shapes.ts'

const PAGE_MAX = 1_000_000
const PER_PAGE_MAX = 50
const PER_PAGE_DEFAULT = 15

/** `page` and `per_page` of a list's query. */
export const PAGE_QUERY = {
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: 1 })),
  per_page: Type.Optional(
    Type.Integer({ minimum: 1, maximum: PER_PAGE_MAX, default: PER_PAGE_DEFAULT }),
  ),
}

interface PageQuery {
  readonly page?: number
  readonly per_page?: number
}

/** Which rows of the whole list a page shows. */
export function windowOf(query: PageQuery): { offset: number; limit: number } {
  const { page = 1, per_page: limit = PER_PAGE_DEFAULT } = query
  return { offset: (page - 1) * limit, limit }
}

/** A page of `item`s of the list at `path`, in the shape in which Laravel writes one. */
export function pageShape<T extends TSchema>(item: T, path: string) {
  const { examples: rows = [] } = item as { examples?: readonly unknown[] }
  const request = { url: path, protocol: 'https', host: 'panel.example' } as const
  const example = toPage({ request, query: {}, publicUrl: null }, { rows, total: rows.length })
  return Type.Object(
    {
      data: Type.Array(item),
      links: Type.Object({
        first: Link,
        last: Link,
        prev: nullable(Link),
        next: nullable(Link),
      }),
      meta: Type.Object({
        current_page: Type.Integer(),
        from: nullable(Type.Integer({ description: 'The first of the page, counted from 1' })),
        last_page: Type.Integer(),
        links: Type.Array(
          Type.Object({
            url: nullable(Link),
            label: Type.String({ description: 'HTML' }),
            active: Type.Boolean({ description: 'Whether it is this page' }),
          }),
        ),
        path: Link,
        per_page: Type.Integer(),
        to: nullable(Type.Integer()),
        total: Type.Integer(),
      }),
    },
    { examples: [example] },
  )
}

const Link = Type.String({ format: 'uri' })

/** Where a list was asked for. */
type Asked = Pick<FastifyRequest, 'url' | 'protocol' | 'host'>

/**
 * The page of `rows`, of which there are `total` in the whole list. Its links keep the filters
 * and the order that were asked for.
 */
export function toPage<Row>(
  o: { request: Asked; query: PageQuery; publicUrl: string | null },
  list: { rows: readonly Row[]; total: number },
) {
  const { rows, total } = list
  const { offset, limit } = windowOf(o.query)
  const page = o.query.page ?? 1
  const lastPage = Math.max(1, Math.ceil(total / limit))
  const at = linksTo(o.request, o.publicUrl)
  const prev = page > 1 ? at.page(page - 1) : null
  const next = page < lastPage ? at.page(page + 1) : null
  return {
    data: rows,
    links: { first: at.page(1), last: at.page(lastPage), prev, next },
    meta: {
      current_page: page,
      from: rows.length === 0 ? null : offset + 1,
      last_page: lastPage,
      links: [
        { url: prev, label: '&laquo; Previous', active: false },
        ...shownPages(page, lastPage).map((shown) =>
          shown === null
            ? { url: null, label: '...', active: false }
            : { url: at.page(shown), label: String(shown), active: shown === page },
        ),
        { url: next, label: 'Next &raquo;', active: false },
      ],
      path: at.path,
      per_page: limit,
      to: rows.length === 0 ? null : offset + rows.length,
      total,
    },
  }
}

function linksTo(request: Asked, publicUrl: string | null) {
  const origin = publicUrl ?? `${request.protocol}://${request.host}`
  const { url } = request
  const path = url.split('?', 1)[0]!
  const asked = new URLSearchParams(url.slice(path.length + 1))
  asked.delete('page')
  const address = origin + path.replace(/\/+$/, '')
  return {
    path: address,
    page(number: number): string {
      const parameters = new URLSearchParams(asked)
      parameters.append('page', String(number))
      return `${address}?${parameters}`
    },
  }
}

/** How many pages are shown on each side of the present one. */
const EACH_SIDE = 3

/** The pages that are linked, as Laravel chooses them; null stands for those left out. */
function shownPages(page: number, lastPage: number): (number | null)[] {
  const edge = EACH_SIDE + 4
  if (lastPage < EACH_SIDE * 2 + 8) return numbers(1, lastPage)
  const last = [null, ...numbers(lastPage - 1, lastPage)]
  const first = [...numbers(1, 2), null]
  if (page <= edge) return [...numbers(1, edge + EACH_SIDE), ...last]
  if (page > lastPage - edge) {
    return [...first, ...numbers(lastPage - (edge + EACH_SIDE - 1), lastPage)]
  }
  return [...first, ...numbers(page - EACH_SIDE, page + EACH_SIDE), ...last]
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}
