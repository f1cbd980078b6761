/** The document of HostUp's API says what is true: its examples follow its schemas. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonSchema, OpenApiResponse } from '../../../src/lib/openapi-document.ts'
import { committed, schemaAt, schemaErrors } from '../../kit/documented.ts'

test('every answer has an example, and every example follows its schema', () => {
  const document = committed.get('hostup')
  assert.ok(document)
  let examples = 0
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      for (const [status, response] of Object.entries(operation.responses)) {
        if ('$ref' in response || !status.startsWith('2')) continue
        const { content } = response as OpenApiResponse
        const schema = content?.['application/json']?.schema as JsonSchema
        const keys = ['paths', path, method, 'responses', status, 'content', 'application/json']
        const items = schema.properties?.data?.items
        const shown = items?.examples ?? schema.examples
        assert.ok(shown?.length, `${method} ${path} ${status}`)
        const within = items === undefined ? [] : ['properties', 'data', 'items']
        const validate = schemaAt('hostup', [...keys, 'schema', ...within])
        for (const example of shown) {
          examples++
          assert.ok(validate(example), `${method} ${path}: ${schemaErrors(validate)}`)
        }
      }
    }
  }
  assert.ok(examples >= 12, String(examples))
})

test('each route says its scope and which problems it has', () => {
  const document = committed.get('hostup')
  assert.ok(document)
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const statuses = Object.keys(operation.responses)
      const open = path.endsWith('/products/vps')
      assert.match(operation.description ?? '', open ? /Needs no key/ : /Needs the scope `\w+:\w+`/)
      for (const status of ['400', '401', '429', '500', '503']) {
        assert.ok(statuses.includes(status), `${method} ${path} ${status}`)
      }
      assert.equal(statuses.includes('404'), path.includes('{'), `${method} ${path}`)
      assert.equal(statuses.includes('409'), method === 'post', `${method} ${path}`)
    }
  }
})
