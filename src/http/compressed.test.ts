import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { compressed, encodingFor } from './compressed.ts'

for (const [accept, expected] of [
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['gzip, deflate', 'gzip'],
  ['deflate', undefined],
  ['gzip, deflate, br, zstd', 'br'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['gzip;q=0, br;q=0', undefined],
  ['gzip; q=0.0', undefined],
  ['*', 'br'],
  ['br;q=0, *', 'gzip'],
  ['*;q=0', undefined],
  ['identity, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip', 'gzip'],
  ['gzip;q=never', undefined],
] as const) {
  test(`Accept-Encoding: ${accept ?? '(none)'} takes ${expected ?? 'plain bytes'}`, () => {
    assert.equal(encodingFor(accept), expected)
  })
}

test('the same bytes are compressed once in each encoding', async () => {
  const bytes = Buffer.from('all the services there are '.repeat(1000))
  const zipped = await compressed(bytes, 'gzip')
  assert.equal(await compressed(bytes, 'gzip'), zipped)
  assert.deepEqual(gunzipSync(zipped), bytes)
  const smallest = await compressed(bytes, 'br')
  assert.deepEqual(brotliDecompressSync(smallest), bytes)
  assert.ok(smallest.length < bytes.length / 10)
})
