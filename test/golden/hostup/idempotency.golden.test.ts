/** One idempotency key through HostUp's API and VPSBG's: one effect, told in the words of each. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../../kit/answer.ts'
import { assertJson, assertRefused } from '../../kit/hostup.ts'
import { type Rented, renewalRow, rentedServer } from '../../kit/hostup-scene.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { monthsOn } from '../../kit/servers.ts'
import { assertJson as assertVpsbgJson, vpsbgClient } from '../../kit/vpsbg.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const KEY = { 'idempotency-key': 'across-1' }
const RENEW = 'post /api/v2/vps/{id}/actions/renew'

function renew(rented: Rented, body?: unknown): Promise<Answer> {
  return rented.client.post(`/v2/vps/${rented.publicId}/actions/renew`, body, KEY)
}

function order(rented: Rented, terms: object = {}): Promise<Answer> {
  const body = { server_ids: [Number(rented.id)], ...terms }
  return vpsbgClient(purser, rented.customer.key).post('/servers/renew', body, KEY)
}

function replayed(answer: Answer): boolean {
  return answer.headers.get('idempotent-replayed') === 'true'
}

async function purchases(rented: Rented): Promise<number> {
  const { rows } = await purser.pool.query<{ count: number }>(
    'select count(*)::integer as count from purchase where account_id = $1',
    [rented.customer.id],
  )
  return rows[0]!.count
}

test('a renewal made out by VPSBG is told by HostUp, and is not blocked by itself', async () => {
  const rented = await rentedServer(purser, { addons: ['50.00'] })
  const first = await order(rented)
  assert.deepEqual([first.status, replayed(first)], [200, false], first.text)
  const { purchaseId, invoiceId } = await renewalRow(purser, rented)
  for (let times = 0; times < 2; times++) {
    const told = await renew(rented)
    assertJson(told, RENEW, 200, {
      vpsId: rented.publicId,
      renewalScheduled: true,
      newExpiresAt: monthsOn(rented, 1).toISOString(),
      billing: { amount: 149, currencyCode: 'SEK' },
      renewalInvoice: {
        id: invoiceId,
        number: String(purchaseId),
        amount: 149,
        currencyCode: 'SEK',
        dueAt: rented.expiresAt.toISOString(),
        status: 'unpaid',
        paymentUrl: `/billing?invoice=${purchaseId}`,
      },
    })
    assert.ok(replayed(told))
  }
  assertRefused(await renew(rented, { addonIds: [] }), 409, 'idempotency_key_reused')
  assert.equal(await purchases(rented), 1)
})

test('a renewal made out by HostUp is told by VPSBG as the order that it is', async () => {
  const rented = await rentedServer(purser, {})
  const first = await renew(rented)
  assert.deepEqual([first.status, replayed(first)], [200, false], first.text)
  const { purchaseId } = await renewalRow(purser, rented)
  const client = vpsbgClient(purser, rented.customer.key)
  const stands = await client.get(`/orders/${purchaseId}`)
  const told = await order(rented, { billing_cycle: null, promo_code: null })
  assertVpsbgJson(told, 'post /v1/servers/renew', 200, stands.json)
  assert.ok(replayed(told))
  assert.equal((await order(rented, { billing_cycle: 1 })).status, 409)
  assert.equal(await purchases(rented), 1)
})

test('a payment is the same payment', async () => {
  const rented = await rentedServer(purser, { credit: '500.00' })
  await order(rented)
  const { purchaseId, invoiceId } = await renewalRow(purser, rented)
  const key = { 'idempotency-key': 'across-2' }
  const client = vpsbgClient(purser, rented.customer.key)
  const first = await client.post('/orders/pay', { order_ids: [Number(purchaseId)] }, key)
  assert.deepEqual([first.status, replayed(first)], [200, false], first.text)
  const told = await rented.client.post(`/v2/billing/invoices/${invoiceId}/actions/pay`, {}, key)
  assert.deepEqual([told.status, replayed(told)], [200, true], told.text)
  assert.equal((told.json as { status: string }).status, 'paid')
  assert.equal((await client.get('/balance')).text.split(',')[0], '{"balance":401')
})

test('the books balance', () => assertBooksBalance(purser))
