import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUERIES } from './crownpanel-queries.ts'
import { CROWNPANEL_QUERIES } from './crownpanel-text.ts'
import { LATER_QUERIES } from './later-queries.ts'

test('every query is documented, and nothing else; what is to come is not there yet', () => {
  const documented = CROWNPANEL_QUERIES.map(({ query }) => query)
  assert.deepEqual(documented.toSorted(), [...QUERIES.keys()].sort())
  for (const query of LATER_QUERIES) assert.ok(!QUERIES.has(query), query)
})

test('what is asked for is what the query is documented under', () => {
  for (const { query, request } of CROWNPANEL_QUERIES) assert.equal(request.example.QUERY, query)
})
