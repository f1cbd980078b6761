import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestPurser } from '../../test/kit/purser.ts'

/** What the contract says. */
const FAILED_PER_MINUTE = 60

/** With the limits as they are shipped. */
const purser = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '' } })
after(() => purser.stop())

/** So that what follows happens within one minute of the clock, which is what limits count by. */
async function earlyInTheMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000)
  if (left < 20_000) await new Promise((resolve) => setTimeout(resolve, left + 50))
}

test('wrong keys are limited by address, and lock out no key that works', async () => {
  await earlyInTheMinute()
  const ask = (key?: string) => purser.admin('GET', '/accounts', undefined, key ? { key } : {})
  assert.equal((await ask()).status, 200)
  for (let at = 0; at < FAILED_PER_MINUTE; at++) {
    assert.equal((await ask(`wrong-${at}`)).status, 401)
  }
  const refused = await ask('wrong')
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.equal((await ask()).status, 200)
})

test('at the panels a wrong key is told so on every request within their limit', async () => {
  await earlyInTheMinute()
  const balance = { action: 'balance' }
  for (let at = 0; at <= FAILED_PER_MINUTE; at++) {
    const answer = await purser.panelbon(balance, { key: `wrong-${at}` })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('ratelimit-limit'), '1000')
  }
  assert.equal((await purser.panel(balance)).status, 200)
})
