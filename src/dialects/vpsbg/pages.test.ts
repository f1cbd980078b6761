import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyRequest } from 'fastify'
import { toPage } from './pages.ts'

/** A page of a list of `total` numbers, asked for by `path`. */
function pageAt(path: string, total: number) {
  const { searchParams } = new URL(path, 'http://host')
  const query = {
    page: Number(searchParams.get('page') ?? 1),
    per_page: Number(searchParams.get('per_page') ?? 15),
  }
  const offset = (query.page - 1) * query.per_page
  const rows = Array.from({ length: total }, (_, at) => at + 1).slice(
    offset,
    offset + query.per_page,
  )
  const request = { url: path, protocol: 'http', host: 'host' } as FastifyRequest
  return toPage({ request, query, publicUrl: null }, { rows, total })
}

/** The labels of the links between "Previous" and "Next", the present one in brackets. */
function labels(path: string, total: number): string {
  const { links } = pageAt(path, total).meta
  return links
    .slice(1, -1)
    .map(({ label, active }) => (active ? `[${label}]` : label))
    .join(' ')
}

test('an empty list has one page, and no rows on it', () => {
  assert.deepEqual(pageAt('/v1/orders', 0), {
    data: [],
    links: {
      first: 'http://host/v1/orders?page=1',
      last: 'http://host/v1/orders?page=1',
      prev: null,
      next: null,
    },
    meta: {
      current_page: 1,
      from: null,
      last_page: 1,
      links: [
        { url: null, label: '&laquo; Previous', active: false },
        { url: 'http://host/v1/orders?page=1', label: '1', active: true },
        { url: null, label: 'Next &raquo;', active: false },
      ],
      path: 'http://host/v1/orders',
      per_page: 15,
      to: null,
      total: 0,
    },
  })
})

test('links keep what was asked for beside the page', () => {
  const { data, links, meta } = pageAt('/v1/orders/?filter[status]=paid&page=2&per_page=2', 5)
  const at = (page: number) =>
    `http://host/v1/orders?filter%5Bstatus%5D=paid&per_page=2&page=${page}`
  assert.deepEqual(data, [3, 4])
  assert.deepEqual(links, { first: at(1), last: at(3), prev: at(1), next: at(3) })
  assert.equal(meta.path, 'http://host/v1/orders')
  assert.deepEqual([meta.from, meta.to, meta.last_page], [3, 4, 3])
  assert.deepEqual(meta.links[0], { url: at(1), label: '&laquo; Previous', active: false })
  assert.deepEqual(meta.links.at(-1), { url: at(3), label: 'Next &raquo;', active: false })
})

test('links keep a question mark that belongs to a filter', () => {
  const { links } = pageAt('/v1/servers?filter[search]=a?b&filter[ip]=c', 0)
  const asked = 'filter%5Bsearch%5D=a%3Fb&filter%5Bip%5D=c'
  assert.equal(links.first, `http://host/v1/servers?${asked}&page=1`)
})

test('a page behind the last has no rows, and a way back', () => {
  const { data, links, meta } = pageAt('/v1/orders?page=9&per_page=2', 5)
  assert.deepEqual(data, [])
  assert.deepEqual([meta.from, meta.to, meta.current_page, meta.last_page], [null, null, 9, 3])
  assert.equal(links.next, null)
  assert.equal(links.prev, 'http://host/v1/orders?per_page=2&page=8')
})

test('of many pages those at the ends and around the present one are linked', () => {
  assert.equal(labels('/?per_page=1', 13), '[1] 2 3 4 5 6 7 8 9 10 11 12 13')
  assert.equal(labels('/?per_page=1', 14), '[1] 2 3 4 5 6 7 8 9 10 ... 13 14')
  assert.equal(labels('/?per_page=1&page=7', 40), '1 2 3 4 5 6 [7] 8 9 10 ... 39 40')
  assert.equal(labels('/?per_page=1&page=8', 40), '1 2 ... 5 6 7 [8] 9 10 11 ... 39 40')
  assert.equal(labels('/?per_page=1&page=33', 40), '1 2 ... 30 31 32 [33] 34 35 36 ... 39 40')
  assert.equal(labels('/?per_page=1&page=34', 40), '1 2 ... 31 32 33 [34] 35 36 37 38 39 40')
})
