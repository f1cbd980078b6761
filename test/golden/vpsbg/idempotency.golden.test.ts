/** The same key, the same request: one effect, and the first answer again. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { walletOf } from '../../kit/two-pursers.ts'
import { assertError, assertShape, vpsbgClient } from '../../kit/vpsbg.ts'
import { sampleServer, setSampleClock } from '../../kit/vpsbg-scene.ts'

const purser = await startTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
after(() => purser.stop())
await setSampleClock(purser)

const REUSED = {
  status: 409,
  code: 'idempotency_key_reused',
  message: 'Idempotency key was used for another request.',
}
const RENEW = 'post /v1/servers/renew'

function assertReplay(first: Answer, again: Answer): void {
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual([again.status, again.text], [first.status, first.text])
}

async function scene(credit?: string) {
  const server = await sampleServer(purser, credit === undefined ? {} : { credit })
  return { server, client: vpsbgClient(purser, server.customer.key) }
}

const keyed = (name: string) => ({ 'idempotency-key': name })

test('renew: the first answer byte for byte, though the order has been paid since', async () => {
  const { server, client } = await scene('500.00')
  const body = { server_ids: [Number(server.id)], billing_cycle: 3 }
  const first = await client.post('/servers/renew', body, keyed('renew-1'))
  assertShape(first, RENEW, 200)
  assertReplay(first, await client.post('/servers/renew', body, keyed('renew-1')))
  const { id } = first.json as { id: number }
  const paid = await client.post('/orders/pay', { order_ids: [id] })
  assert.equal(paid.status, 200, paid.text)
  const again = await client.post(
    '/servers/renew',
    { billing_cycle: 3, server_ids: [server.publicId] },
    keyed('renew-1'),
  )
  assertReplay(first, again)
  assertError(
    await client.post('/servers/renew', { ...body, billing_cycle: 1 }, keyed('renew-1')),
    RENEW,
    REUSED,
  )
  assertError(
    await client.delete(`/orders/${id}`, keyed('renew-1')),
    'delete /v1/orders/{id}',
    REUSED,
  )
})

test('what had no effect is answered afresh', async () => {
  const { server, client } = await scene()
  const body = { server_ids: [Number(server.id)] }
  const first = await client.post('/servers/renew', body)
  const same = await client.post('/servers/renew', body, keyed('renew-1'))
  assert.equal(same.text, first.text)
  const { id } = first.json as { id: number }
  await client.delete(`/orders/${id}`)
  const anew = await client.post('/servers/renew', body, keyed('renew-1'))
  assert.equal(anew.headers.get('idempotent-replayed'), null)
  assert.notEqual((anew.json as { id: number }).id, id)
})

test('update, delete, and the change of a period', async () => {
  const { server, client } = await scene()
  const made = await client.post('/servers/renew', { server_ids: [Number(server.id)] })
  const { id } = made.json as { id: number }
  const manual = await client.patch(`/orders/${id}`, { auto_pay: false }, keyed('update'))
  await client.patch(`/orders/${id}`, { payment_method: 'card' })
  assertReplay(manual, await client.patch(`/orders/${id}`, { auto_pay: false }, keyed('update')))
  const line = `/orders/${id}/server/${server.subscriptionId}`
  const monthly = await client.patch(line, { billing_cycle: 1 }, keyed('period'))
  assert.equal(monthly.status, 204, monthly.text)
  assertReplay(monthly, await client.patch(line, { billing_cycle: 1 }, keyed('period')))
  const deleted = await client.delete(`/orders/${id}`, keyed('delete'))
  assert.equal(deleted.status, 204, deleted.text)
  assertReplay(deleted, await client.delete(`/orders/${id}`, keyed('delete')))
})

test('pay: one debit, however often and however many at once', async () => {
  const { server, client } = await scene('1000.00')
  const made = await client.post('/servers/renew', { server_ids: [Number(server.id)] })
  const body = { order_ids: [(made.json as { id: number }).id] }
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => client.post('/orders/pay', body, keyed('pay'))),
  )
  const fresh = answers.filter((answer) => answer.headers.get('idempotent-replayed') === null)
  assert.equal(fresh.length, 1)
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.text], [200, fresh[0]!.text])
  }
  assertReplay(fresh[0]!, await client.post('/orders/pay', body, keyed('pay')))
  assert.equal(await walletOf(purser, server.customer.id), 784_000_000n)
})

test('the books balance', () => assertBooksBalance(purser))
