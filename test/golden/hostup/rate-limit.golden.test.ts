import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem, assertRefused, hostupClient } from '../../kit/hostup.ts'
import { startTestPurser } from '../../kit/purser.ts'

const purser = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '4' } })
after(() => purser.stop())

test('429: counted by key, with Retry-After and X-RateLimit headers', async () => {
  const [first, second] = purser.demo.customers
  const client = hostupClient(purser, first!.keys.full)
  let answer = await client.get('/v2/vps')
  for (let asked = 1; answer.status !== 429; asked++) {
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers.get('x-ratelimit-limit'), '4')
    assert.match(answer.headers.get('x-ratelimit-remaining') ?? '', /^[0-3]$/)
    assert.equal(answer.headers.get('retry-after'), null)
    // A new minute may begin between two requests, and once more.
    assert.ok(asked < 12, 'never refused')
    answer = await client.get('/v2/vps')
  }
  await assertProblem(purser, answer, {
    status: 429,
    code: 'rate_limited',
    title: 'Too many requests',
    detail: 'Too many requests; try again later.',
    instance: '/api/v2/vps',
    place: 'get /api/v2/vps',
  })
  const seconds = Number(answer.headers.get('retry-after'))
  assert.ok(seconds >= 1 && seconds <= 60)
  assert.equal(answer.headers.get('x-ratelimit-reset'), String(seconds))
  assert.equal(answer.headers.get('x-ratelimit-remaining'), '0')
  const other = await hostupClient(purser, second!.keys.full).get('/v2/vps')
  assert.equal(other.status, 200, other.text)
})

test('429: what is open to all is counted by address', async () => {
  const anybody = hostupClient(purser, null)
  let answer = await anybody.get('/v2/products/vps')
  for (let asked = 1; answer.status === 200 && asked < 12; asked++) {
    answer = await anybody.get('/v2/products/vps')
  }
  assertRefused(answer, 429, 'rate_limited')
})
