import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHostname } from './hostname.ts'

test('a host name is taken, in small letters', () => {
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  assert.equal(longest.length, 253)
  const full = ['web1.example.com', 'a.b', 'xn--bcher-kva.example', '1.2.3.4a', longest]
  for (const name of ['ubuntu-2gb', 'a', ...full]) {
    assert.equal(checkHostname(name), name)
  }
  assert.equal(checkHostname('WEB1.Example.COM'), 'web1.example.com')
})

test('what is none is refused', () => {
  const long = `${'a'.repeat(64)}.example`
  const wrong = ['', '12', '.com', 'web1.', 'a..b', '-a.example', 'a-.example', 'a_b.example']
  const others = [
    '192.0.2.1',
    'a b.example',
    'ü.example',
    long,
    'a.example\0',
    `a.${'b.'.repeat(130)}c`,
  ]
  for (const name of [...wrong, ...others]) {
    assert.throws(() => checkHostname(name), { code: 'invalid_input' }, name)
  }
})
