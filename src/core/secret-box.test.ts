import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openSecretBox } from './secret-box.ts'

const box = openSecretBox(randomBytes(32))

test('what is sealed opens again, and shows nothing of the secret', () => {
  for (const secret of ['', 'pur_abc', 'Ærø 東京 🚢', 'x'.repeat(10_000)]) {
    const sealed = box.seal('upstream key', secret)
    assert.equal(box.open('upstream key', sealed), secret)
    assert.ok(secret === '' || !sealed.includes(secret))
    assert.notEqual(box.seal('upstream key', secret), sealed, 'the same secret looks different')
  }
})

test('another key, another use, a changed or a foreign text open nothing', () => {
  const sealed = box.seal('upstream key', 'pur_abc')
  assert.throws(() => openSecretBox(randomBytes(32)).open('upstream key', sealed))
  assert.throws(() => box.open('webhook secret', sealed))
  const swapped = sealed.endsWith('A') ? 'B' : 'A'
  assert.throws(() => box.open('upstream key', sealed.slice(0, -2) + swapped.repeat(2)))
  assert.throws(() => box.open('upstream key', 'pur_abc'))
  assert.throws(() => box.open('upstream key', ''))
})
