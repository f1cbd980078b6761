import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertBooksBalance, startTestPurser } from '../../test/kit/purser.ts'
import { newCustomer, place, setOrder, transfersOf } from '../../test/kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const customer = await newCustomer(purser, { credit: '100.00' })

/** An order of 9.00 that was completed, and of which a tenth turns out to be missing. */
async function corrected(): Promise<{ order: bigint; id: string }> {
  const order = await place(customer, { service: 1, quantity: 10_000 })
  await setOrder(purser, order, { status: 'Completed' })
  const { rows } = await purser.pool.query<{ id: bigint }>(
    `with made as (
       insert into correction (order_id, account_id, reported_state, remains, amount, created_at)
       select id, account_id, 'partial', 1000, 900000, now() from service_order where id = $1
       returning id, order_id, account_id)
     insert into event (kind, subject_id, account_id, actor_kind, data, created_at)
     select 'order.correction_proposed', order_id, account_id, 'system',
       jsonb_build_object('correction', id::text), now()
     from made returning (select id from made)`,
    [order],
  )
  return { order, id: String(rows[0]?.id) }
}

test('a correction is listed, and confirmed once', async () => {
  const { order, id } = await corrected()
  const listed = await purser.admin('GET', `/corrections?state=open&account_id=${customer.id}`)
  const { data } = listed.json as { data: Record<string, unknown>[] }
  const { created_at, order_public_id, ...shown } = data[0] ?? {}
  assert.deepEqual(shown, {
    id,
    order_id: String(order),
    part: null,
    account_id: String(customer.id),
    reported_state: 'partial',
    remains: 1000,
    currency: 'USD',
    amount: '0.90',
    state: 'open',
    decided_by: null,
    decided_at: null,
  })
  const key = { headers: { 'Idempotency-Key': 'confirm' } }
  const confirmed = await purser.admin('POST', `/corrections/${id}/confirm`, {}, key)
  assert.equal(confirmed.status, 200, confirmed.text)
  assert.equal((confirmed.json as { state: string }).state, 'confirmed')
  const again = await purser.admin('POST', `/corrections/${id}/confirm`, {}, key)
  assert.equal(again.text, confirmed.text)
  assert.equal((await purser.admin('POST', `/corrections/${id}/dismiss`, {})).status, 409)
  assert.deepEqual(await transfersOf(purser, order), [
    'order wallet>revenue 9000000',
    'order_refund revenue>wallet 900000',
  ])
  const read = await purser.admin('GET', `/orders/${order}`)
  const { state, refunds } = read.json as { state: string; refunds: { reason: string }[] }
  assert.deepEqual(
    [state, refunds.map(({ reason }) => reason)],
    ['completed', ['The provider delivered less than it had said.']],
  )
})

test('an amount of the operator, or none at all', async () => {
  const first = await corrected()
  const more = { amount: '9.000001', reason: 'Sorry' }
  const path = `/corrections/${first.id}`
  assert.equal((await purser.admin('POST', `${path}/confirm`, more)).status, 409)
  assert.equal((await purser.admin('POST', `${path}/confirm`, { amount: 'x' })).status, 400)
  const some = { amount: '0.50', reason: 'Sorry' }
  assert.equal((await purser.admin('POST', `${path}/confirm`, some)).status, 200)
  assert.equal(
    (await transfersOf(purser, first.order)).at(-1),
    'order_refund revenue>wallet 500000',
  )
  const second = await corrected()
  assert.equal((await purser.admin('POST', `/corrections/${second.id}/dismiss`, {})).status, 200)
  assert.deepEqual(await transfersOf(purser, second.order), ['order wallet>revenue 9000000'])
  assert.equal((await purser.admin('POST', '/corrections/999999999/dismiss', {})).status, 404)
})

test('the books balance', () => assertBooksBalance(purser))
