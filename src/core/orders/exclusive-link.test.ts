import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exclusiveLinkOf } from './exclusive-link.ts'

test('scheme and host are the same in small letters and in large ones; the rest is not', () => {
  const link = 'https://shop.example/Item?Id=1#A'
  assert.equal(exclusiveLinkOf(link), link)
  assert.equal(exclusiveLinkOf('  HTTPS://Shop.EXAMPLE/Item?Id=1#A '), link)
  assert.notEqual(exclusiveLinkOf('https://shop.example/item?Id=1#A'), link)
  assert.equal(exclusiveLinkOf('HTTPS://SHOP.example?Q=A'), 'https://shop.example?Q=A')
  assert.equal(exclusiveLinkOf('@Channel'), '@Channel')
})

test('a link that no index takes is told by its hash', () => {
  const long = `https://shop.example/${'ä'.repeat(1_500)}`
  assert.match(exclusiveLinkOf(long), /^sha256:[0-9a-f]{64}$/)
  assert.notEqual(exclusiveLinkOf(long), exclusiveLinkOf(`${long}b`))
})
