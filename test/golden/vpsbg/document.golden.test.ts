/** The document of VPSBG's API says what is true: of each route, and its examples of its schemas. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonSchema, OpenApiResponse, Reference } from '../../../src/lib/openapi-document.ts'
import { at, committed, schemaAt, schemaErrors } from '../../kit/documented.ts'

const document = committed.get('vpsbg')
assert.ok(document)

/** What a route refuses, by status, beside what every route does. */
const REFUSES: Readonly<Record<string, readonly string[]>> = {
  'get /v1/servers': ['422 invalid_input'],
  'get /v1/servers/plans': [],
  'get /v1/servers/{id}': ['404 not_found'],
  'get /v1/servers/{id}/status': ['404 not_found', '500 provider_error'],
  'post /v1/servers/renew': [
    '400 existing_invoice_blocking',
    '400 invalid_state',
    '400 not_sold',
    '423 resource_locked',
    ...ofWrites(),
    ...ofBodies(),
  ],
  'post /v1/servers/renew/calculate': ['400 invalid_state', '400 not_sold', ...ofBodies()],
  'get /v1/orders': ['422 invalid_input'],
  'get /v1/orders/{id}': ['404 not_found'],
  'patch /v1/orders/{id}': [...ofChanges(), '400 not_sold', ...ofBodies()],
  'delete /v1/orders/{id}': ofChanges(),
  'patch /v1/orders/{id}/{service_type}/{service_id}': [
    ...ofChanges(),
    '400 not_sold',
    ...ofBodies(),
  ],
  'post /v1/orders/pay': [
    '400 already_paid',
    '400 insufficient_funds',
    '400 invalid_state',
    '400 payment_reversed',
    ...ofWrites(),
    ...ofBodies(),
  ],
  'get /v1/balance': [],
  'get /v1/balance/transactions': ['422 invalid_input'],
  'get /v1/invoices': ['422 invalid_input'],
}

function ofWrites(): readonly string[] {
  return ['400 idempotency_key_invalid', '409 idempotency_key_reused']
}

function ofBodies(): readonly string[] {
  return ['400 invalid_input', '413 payload_too_large', '422 invalid_input']
}

function ofChanges(): readonly string[] {
  return ['404 not_found', '400 invalid_state', '423 resource_locked', ...ofWrites()]
}

const EVERYWHERE = [
  '401 unauthorized',
  '403 insufficient_scope',
  '429 rate_limited',
  '500 internal_error',
  '503 unavailable',
]

function responseOf(response: OpenApiResponse | Reference): OpenApiResponse {
  if (!('$ref' in response)) return response as OpenApiResponse
  return at(document, response.$ref.replace('#/', '').split('/')) as OpenApiResponse
}

test('each route says which codes it has, and no others', () => {
  const found: Record<string, string[]> = {}
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(item)) {
      found[`${method} ${path}`] = Object.entries(responses)
        .filter(([status]) => !status.startsWith('2'))
        .flatMap(([status, response]) => {
          const { description } = responseOf(response)
          const codes = [...description.matchAll(/(\d{3}) `(\w+)`/g)]
          assert.ok(codes.every(([, of]) => of === status))
          return codes.map(([, of, code]) => `${of} ${code}`)
        })
        .sort()
    }
  }
  const expected = Object.entries(REFUSES).map(([place, own]) => [
    place,
    [...EVERYWHERE, ...own].sort(),
  ])
  assert.deepEqual(found, Object.fromEntries(expected))
})

test('every answer and body has an example that follows its schema', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const place = `${method} ${path}`
      const [status] = Object.keys(operation.responses)
      const shown = [['responses', status!], ...(operation.requestBody ? [['requestBody']] : [])]
      for (const keys of status === '204' ? shown.slice(1) : shown) {
        const where = ['paths', path, method, ...keys, 'content', 'application/json', 'schema']
        const schema = at(document, where) as JsonSchema
        const { examples = schema.items?.examples } = schema
        assert.ok(examples?.length, `${place} ${keys}`)
        const validate = schemaAt('vpsbg', schema.examples ? where : [...where, 'items'])
        for (const example of examples) {
          assert.ok(validate(example), `${place}: ${schemaErrors(validate)}`)
        }
      }
    }
  }
})

test('what paying answers is paid; a list links to itself', () => {
  const schemaOf = (path: string, method: 'get' | 'post') =>
    at(document, [
      ...['paths', path, method, 'responses', '200', 'content', 'application/json', 'schema'],
    ]) as { examples: unknown[] }
  const [{ data }] = schemaOf('/v1/orders/pay', 'post').examples as [{ data: object[] }]
  assert.deepEqual(
    data.map((order) => (order as { status: string }).status),
    ['paid'],
  )
  for (const path of ['/v1/servers', '/v1/orders', '/v1/invoices', '/v1/balance/transactions']) {
    const [{ meta, links }] = schemaOf(path, 'get').examples as [
      { meta: { path: string }; links: { first: string } },
    ]
    assert.equal(meta.path, `https://panel.example${path}`)
    assert.equal(links.first, `${meta.path}?page=1`)
  }
})
