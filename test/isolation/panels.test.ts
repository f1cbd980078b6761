/** Whatever names another account's object is answered as if there were no such object. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { keepInProgress } from '../kit/held-delivery.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../kit/purser.ts'
import { allowRefills, deliveredOrders } from '../kit/refill-scene.ts'
import { footprint, monthlyName, newCustomer, orderRow, place } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const ADD = { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 }

/**
 * Every action, with the ways in which a request can name an order; none where an action names no
 * object of an account. An action that is missing here fails the first test.
 */
const WAYS: Readonly<Record<string, readonly ((id: string) => Fields)[]>> = {
  balance: [],
  services: [],
  add: [],
  status: [
    (order) => ({ order }),
    (orders) => ({ orders }),
    (order) => ({ order: `${order},${order}` }),
  ],
  multiStatus: [(orders) => ({ orders }), (order) => ({ order })],
  cancel: [
    (orders) => ({ orders }),
    (order) => ({ order }),
    (orders) => ({ orders, idempotency_key: `cancel-${orders}` }),
  ],
  refill: [
    (order) => ({ order }),
    (orders) => ({ orders }),
    (order) => ({ order, idempotency_key: `refill-${order}` }),
  ],
  // It names a refill, and has a test of its own.
  refill_status: [],
}

const owner = await newCustomer(purser, { credit: '100.00' })
const stranger = await newCustomer(purser, { credit: '100.00' })
const theirs = await place(owner, { ...ADD, idempotency_key: 'shared' })
await keepInProgress(purser, theirs)

test('the table has every action that there is', async () => {
  for (const dialect of ['panel', 'panelbon'] as const) {
    const forms = Object.keys(WAYS).map((action) => ({ action }))
    for (const fields of forms) {
      const { text } = await stranger[dialect](fields)
      assert.doesNotMatch(text, /^\{"error":"action must be/)
    }
  }
  const { json } = await stranger.panel({ action: 'none' })
  const [, list = ''] = /^action must be one of (.*)$/.exec((json as { error: string }).error) ?? []
  assert.deepEqual(list.split(', ').sort(), Object.keys(WAYS).sort())
})

for (const [action, ways] of Object.entries(WAYS)) {
  for (const [at, way] of ways.entries()) {
    test(`${action}, way ${at + 1}: another's order is as one that does not exist`, async () => {
      const before = [await footprint(purser, owner.id), await footprint(purser, stranger.id)]
      const name = await monthlyName(purser, theirs)
      const missing = (theirs + 900_000_000n).toString()
      const pairs = [
        [String(theirs), missing],
        [String(theirs).padStart(12, '0'), missing.padStart(12, '0')],
        [name, name.replace(/\d+$/, missing)],
      ] as const
      for (const dialect of ['panel', 'panelbon'] as const) {
        for (const [mine, none] of pairs) {
          const found = await stranger[dialect]({ action, ...way(mine) })
          const absent = await stranger[dialect]({ action, ...way(none) })
          assert.equal(found.status, absent.status)
          assert.equal(found.text.replaceAll(mine, 'ID'), absent.text.replaceAll(none, 'ID'))
          const headers = [found, absent].map((answer) => [...answer.headers.keys()].sort())
          assert.deepEqual(headers[0], headers[1])
          assert.match(found.text, /Incorrect order ID/)
        }
      }
      const { cancel_requested_at } = (await orderRow(purser, theirs)) as never
      assert.equal(cancel_requested_at, null)
      const after = [await footprint(purser, owner.id), await footprint(purser, stranger.id)]
      assert.deepEqual(after, before)
    })
  }
}

test("refill_status: another's refill is as one that does not exist", async () => {
  await allowRefills(purser)
  const [order] = await deliveredOrders(purser, owner, 1)
  const made = await owner.panel({ action: 'refill', order: String(order) })
  const { refill } = made.json as { refill: string }
  const missing = String(BigInt(refill) + 900_000_000n)
  for (const dialect of ['panel', 'panelbon'] as const) {
    for (const way of [(id: string) => ({ refill: id }), (id: string) => ({ refills: id })]) {
      const found = await stranger[dialect]({ action: 'refill_status', ...way(refill) })
      const absent = await stranger[dialect]({ action: 'refill_status', ...way(missing) })
      assert.equal(found.status, absent.status)
      assert.equal(found.text.replaceAll(refill, 'ID'), absent.text.replaceAll(missing, 'ID'))
      assert.match(found.text, /Refill not found/)
    }
  }
})

test('among the caller’s own orders, another’s is missing and harms none of them', async () => {
  const own = await place(stranger, ADD)
  const orders = `${own},${theirs},999999999`
  const { json } = await stranger.panel({ action: 'status', orders })
  const statuses = json as Record<string, { error?: string; status?: string }>
  assert.deepEqual(Object.keys(statuses).length, 3)
  assert.ok(statuses[String(own)]?.status)
  assert.deepEqual(statuses[String(theirs)], statuses['999999999'])
  const canceled = await stranger.panel({ action: 'cancel', orders })
  assert.match(canceled.text, new RegExp(`{"order":${own},"cancel":{"status":"success"}}`))
  assert.match(canceled.text, new RegExp(`{"order":${theirs},"error":"Incorrect order ID"}`))
  assert.notEqual((await orderRow(purser, theirs)).state, 'canceled')
})

test('an idempotency key of another account is free, and tells nothing of theirs', async () => {
  const answer = await stranger.panel({ ...ADD, idempotency_key: 'shared' })
  assert.equal(answer.headers.get('idempotent-replayed'), null)
  assert.notEqual((answer.json as { order: number }).order, Number(theirs))
  const reused = await stranger.panel({ ...ADD, quantity: 999, idempotency_key: 'shared' })
  assert.equal(reused.status, 409)
})

test('keys of customers open nothing of the operator’s', async () => {
  const routes = ['/accounts', `/accounts/${owner.id}`, `/orders/${theirs}`, '/events', '/services']
  for (const route of routes) {
    const answer = await purser.admin('GET', route, undefined, { key: stranger.key })
    assert.ok(answer.status === 401 || answer.status === 403, `${route} ${answer.status}`)
    assert.doesNotMatch(answer.text, /shop\.example/)
  }
  const credit = { amount: '10.00', reason: 'mine' }
  const path = `/accounts/${stranger.id}/credits`
  const before = await footprint(purser, stranger.id)
  const answer = await purser.admin('POST', path, credit, { key: stranger.key })
  assert.ok(answer.status === 401 || answer.status === 403)
  assert.deepEqual(await footprint(purser, stranger.id), before)
})

test('the books balance', () => assertBooksBalance(purser))
