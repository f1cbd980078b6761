/** What belongs to HostUp's API and is not in this version: answered so, to those it knows. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readAnswer } from '../../kit/answer.ts'
import { assertRefused } from '../../kit/hostup.ts'
import { rentedServer } from '../../kit/hostup-scene.ts'
import { startTestPurser } from '../../kit/purser.ts'

const purser = await startTestPurser()
after(() => purser.stop())

test('a gate that is closed for want of the call says what the call answers', async () => {
  const rented = await rentedServer(purser, {})
  const vps = `/v2/vps/${rented.publicId}`
  const shown = (await rented.client.get(vps)).json as {
    actions: Record<string, { allowed: boolean; code: string | null }>
  }
  const calls: Readonly<Record<string, readonly string[]>> = {
    canStart: ['POST actions/start'],
    canShutdown: ['POST actions/shutdown'],
    canStop: ['POST actions/stop'],
    canRestart: ['POST actions/restart'],
    canReset: ['POST actions/reset'],
    canChangeHostname: ['GET hostname', 'PUT hostname'],
    canCreateBackup: ['GET backups', 'POST backups'],
    canRestoreBackup: ['POST backups/bkp_x/restore'],
    canDeleteBackup: ['DELETE backups/bkp_x'],
    canChangeBillingCycle: ['POST actions/billing-cycle'],
    canUpgrade: ['GET actions/upgrade', 'POST actions/config'],
  }
  assert.deepEqual(Object.keys({ canRenew: [], ...calls }), Object.keys(shown.actions))
  const asked = Object.entries(calls).flatMap(([gate, made]) =>
    made.map((call) => [gate, ...call.replace(' ', ` ${vps}/`).split(' ')] as const),
  )
  const beside = ['/v2/orders', '/v2/billing/credit/actions/add-funds', '/v2/support/tickets']
  for (const [gate, method, path] of [
    ...asked,
    ...beside.map((path) => [null, 'POST', path] as const),
  ]) {
    if (gate !== null) {
      const { allowed, code } = shown.actions[gate]!
      assert.deepEqual([allowed, code], [false, 'feature_unavailable'])
    }
    for (const end of ['', '/', '?force=1']) {
      const ask = (key: string | null) =>
        fetch(`${purser.url}/api${path}${end}`, {
          method: method!,
          headers: key === null ? {} : { authorization: `Bearer ${key}` },
        }).then(readAnswer)
      assertRefused(await ask(rented.customer.key), 501, 'feature_unavailable')
      assertRefused(await ask(null), 401, 'unauthorized')
    }
  }
})
