import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Answer, assertError } from '../../kit/answer.ts'
import { startTestPurser } from '../../kit/purser.ts'

const LIMIT = 5
/** The window must not end in the middle of a test. */
const WINDOW_LEFT_SECONDS = 15

const purser = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: String(LIMIT) } })
after(() => purser.stop())
const { full, legacy_errors } = purser.demo.customers[0]!.keys

function header(answer: Answer, name: string): number {
  const value = answer.headers.get(`ratelimit-${name}`)
  assert.match(value ?? 'missing', /^\d+$/, `ratelimit-${name}`)
  assert.equal(answer.headers.get(`x-ratelimit-${name}`), value)
  return Number(value)
}

/** The first request of a window that lasts long enough; what it answered. */
async function freshWindow(): Promise<Answer> {
  for (;;) {
    const answer = await purser.panel({ action: 'balance' }, { key: full })
    const left = header(answer, 'reset')
    const fresh = answer.status === 200 && header(answer, 'remaining') === LIMIT - 1
    if (fresh && left >= WINDOW_LEFT_SECONDS) return answer
    await pause((left + 1) * 1000)
  }
}

test('panel and panelbon are counted together; the headers count down; then 429', async () => {
  const first = await freshWindow()
  assert.equal(header(first, 'limit'), LIMIT)
  assert.ok(header(first, 'reset') <= 60)
  assert.equal(first.headers.get('retry-after'), null)

  const bon = await purser.panelbon({ action: 'balance' }, { key: full })
  assert.equal(bon.status, 200)
  assert.equal(header(bon, 'remaining'), 3)
  assert.equal(header(await purser.panel({ action: 'balance' }, { key: full }), 'remaining'), 2)
  // An error is counted and carries the headers like any answer.
  const missing = await purser.panelbon({ action: 'status', order: '999999999' }, { key: full })
  assert.equal(missing.status, 404)
  assert.equal(header(missing, 'remaining'), 1)
  assert.equal(header(await purser.panel({ action: 'services' }, { key: full }), 'remaining'), 0)

  for (const answer of [
    await purser.panel({ action: 'balance' }, { key: full }),
    await purser.panelbon({ action: 'balance' }, { key: full }),
    await purser.panel({ action: 'no_such_action' }, { key: full }),
  ]) {
    assertError(answer, 429)
    assert.equal(header(answer, 'limit'), LIMIT)
    assert.equal(header(answer, 'remaining'), 0)
    const retryAfter = Number(answer.headers.get('retry-after'))
    assert.ok(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 60)
    assert.ok(Math.abs(retryAfter - header(answer, 'reset')) <= 1)
  }

  // The key is looked at first, so the limit is an error that knows the key.
  const legacy = await purser.panel({ action: 'balance' }, { key: legacy_errors })
  assertError(legacy, 200)
  assert.match(legacy.headers.get('retry-after') ?? '', /^\d+$/)
  const { rows } = await purser.pool.query('select 1 from service_order')
  assert.equal(rows.length, 0)
})
