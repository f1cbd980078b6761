import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestPurser } from '../../test/kit/purser.ts'

/** What the contract says. */
const FAILED_PER_MINUTE = 60

/** With the limits as they are shipped. */
const purser = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '' } })
after(() => purser.stop())

test('wrong keys are limited by address, and lock out no key that works', async () => {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < 20_000) await new Promise((resolve) => setTimeout(resolve, left + 50))
  const balance = { action: 'balance' }
  assert.equal((await purser.panel(balance)).status, 200)
  for (let at = 0; at < FAILED_PER_MINUTE; at++) {
    assert.equal((await purser.panel(balance, { key: `wrong-${at}` })).status, 401)
  }
  const refused = await purser.panel(balance, { key: 'wrong' })
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await purser.panel(balance)).status, 200)
  assert.equal((await purser.panelbon(balance)).status, 200)
})
