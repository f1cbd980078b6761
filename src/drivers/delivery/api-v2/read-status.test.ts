import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStatus } from './read-status.ts'

test('a partial delivery is known by what remains of it alone', () => {
  const said = { status: 'Partial', start_count: '10', charge: '0.27' }
  for (const remains of [undefined, null, '', '1,200', 'many']) {
    assert.deepEqual(readStatus({ ...said, remains }), { kind: 'unknown' })
  }
  for (const remains of ['157', ' 157.0']) {
    assert.deepEqual(readStatus({ ...said, remains }), {
      kind: 'known',
      state: 'partial',
      startCount: 10n,
      remains: 157n,
    })
  }
})
