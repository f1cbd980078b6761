import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnOf } from './column-of.ts'

test('a column is the text of an array, each element as PostgreSQL reads it', () => {
  const at = new Date('2026-02-03T04:05:06.007Z')
  const rows = [
    { id: 1n, text: 'plain', at, flag: true },
    { id: -2n, text: 'with "quotes", a \\ and {braces}', at, flag: false },
    { id: null, text: null, at: null, flag: null },
    { id: 9_223_372_036_854_775_807n, text: 'NULL', at: new Date(0), flag: true },
  ]
  const column = columnOf(rows)
  assert.equal(
    column((row) => row.id),
    '{1,-2,NULL,9223372036854775807}',
  )
  assert.equal(
    column((row) => row.text),
    '{"plain","with \\"quotes\\", a \\\\ and {braces}",NULL,"NULL"}',
  )
  assert.equal(
    column((row) => row.at),
    '{2026-02-03T04:05:06.007Z,2026-02-03T04:05:06.007Z,NULL,1970-01-01T00:00:00.000Z}',
  )
  assert.equal(
    column((row) => row.flag),
    '{true,false,NULL,true}',
  )
  assert.equal(
    column((_, index) => index),
    '{0,1,2,3}',
  )
  assert.equal(
    columnOf<bigint>([])((id) => id),
    '{}',
  )
})
