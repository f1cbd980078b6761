import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf, mayBeReached } from './public-address.ts'

test('only what is public may be reached', () => {
  for (const address of ['8.8.8.8', '192.0.1.1', '2606:4700::1111', '::ffff:8.8.8.8']) {
    assert.ok(mayBeReached(address, []), address)
  }
  for (const address of [
    ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '10.0.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '224.0.0.1', '239.255.255.255', '255.255.255.255'],
    ...['192.0.2.1', '198.18.0.1', '240.0.0.1', '192.0.0.192'],
    ...['::', '::1', 'fe80::1', 'fc00::1', 'fd12:3456::1', 'ff02::1', 'fec0::1', '2001:db8::1'],
    ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '::ffff:0:7f00:1'],
    ...['64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:1::1', '100::1', '4000::1'],
    ...['', 'localhost', 'fe80::1%eth0'],
  ]) {
    assert.ok(!mayBeReached(address, []), address)
  }
})

test('an operator may allow addresses and networks', () => {
  const networks = ['10.1.0.0/16', '127.0.0.1', 'fd00::/8']
  for (const address of ['10.1.2.3', '127.0.0.1', '::ffff:127.0.0.1', 'fd00::7', '8.8.8.8']) {
    assert.ok(mayBeReached(address, networks), address)
  }
  for (const address of ['10.2.0.1', '127.0.0.2', '::1', 'fc00::1']) {
    assert.ok(!mayBeReached(address, networks), address)
  }
})

test('what a host stands for is seen in whatever way it is written', () => {
  const hostOf = (host: string) => new URL(`http://${host}/`).hostname
  for (const [host, address] of [
    ...[
      '127.1',
      '0x7f.1',
      '0177.0.0.1',
      '2130706433',
      '127.0.0.1.',
      '%3127.0.0.1',
      '１27.0.0.1',
    ].map((host) => [host, '127.0.0.1'] as const),
    ...['localhost', 'LocalHost', 'localhost.', 'x.localhost', 'a.b.localhost.'].map(
      (host) => [host, '127.0.0.1'] as const,
    ),
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['[0:0::0:1]', '::1'],
  ] as const) {
    assert.equal(addressOf(hostOf(host)), address, host)
  }
  for (const host of ['shop.example', 'localhost.example', 'notlocalhost', '1.2.3.example', 'a']) {
    assert.equal(addressOf(hostOf(host)), undefined, host)
  }
})
