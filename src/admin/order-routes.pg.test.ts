import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'

let admin: AdminApp
let ask: AdminApp['ask']
let account: string
let service: string
let orders = 0

before(async () => {
  admin = await startAdminApp()
  ask = (method, path, ...rest) => admin.ask(method, `/admin/v1${path}`, ...rest)
  account = await create('/accounts', {
    email: 'customer@example.com',
    name: 'Customer',
    currency: 'USD',
    time_zone: 'UTC',
  })
  await create(`/accounts/${account}/credits`, { amount: '100', reason: 'test' })
  const category = await create('/categories', { name: 'Pictures' })
  service = await create('/services', {
    category_id: category,
    name: 'Image tagging',
    type: 'Default',
    min_quantity: 1,
    max_quantity: 1000,
    prices: [{ currency: 'USD', rate: '10' }],
  })
})

after(async () => {
  await admin?.close()
})

async function create(path: string, body: unknown): Promise<string> {
  const answer = await ask('POST', path, body)
  assert.equal(answer.status, 201, answer.text)
  return answer.json.id
}

/** An order of 100 for 1.00 as placing it leaves it: its row, and the transfer that paid it. */
async function order(): Promise<string> {
  const id = String(++orders)
  await admin.database.pool.query(
    `with placed as (
       insert into service_order (id, account_id, service_id, quantity, link, currency,
         list_charge, charge, remains, provider, look_at, created_at, updated_at)
       values ($1, $2, $3, 100, 'https://example.com', 'USD', 1000000, 1000000, 100, 'manual',
         now(), '2024-11-05T00:00:00Z', now())
       returning id)
     insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id,
       account_id, created_at)
     select w.id, r.id, 1000000, 'USD', 'order', placed.id, w.account_id, now()
     from placed, ledger_account w, ledger_account r
     where w.account_id = $2 and w.kind = 'wallet' and r.kind = 'revenue' and r.currency = 'USD'`,
    [id, account, service],
  )
  return id
}

async function balance(): Promise<string> {
  return (await ask('GET', `/accounts/${account}`)).json.balance
}

test('orders are listed, filtered and read by either name', async () => {
  const id = await order()
  const name = `CR-202411-${id.padStart(4, '0')}`
  const read = await ask('GET', `/orders/${name}`)
  assert.equal(read.json.id, id)
  assert.equal(read.json.public_id, name)
  assert.equal(read.json.charge, '1.00')
  assert.deepEqual(read.json.refunds, [])
  assert.equal((await ask('GET', `/orders/CR-202410-${id.padStart(4, '0')}`)).status, 404)
  assert.equal((await ask('GET', '/orders/99999')).json.code, 'not_found')
  const filters = [
    [`account_id=${account}&service_id=${service}&state=pending`, 1],
    ['account_id=99999', 0],
    ['service_id=99999', 0],
    ['state=completed', 0],
  ] as const
  for (const [filter, count] of filters) {
    const listed = await ask('GET', `/orders?${filter}`)
    assert.equal(listed.json.data.length, count, `${filter} ${listed.text}`)
  }
  assert.equal((await ask('GET', '/orders?state=lost')).json.errors[0].pointer, '/state')
})

test("a status set by the panels' word gives back the undelivered share, once", async () => {
  const id = await order()
  const before = Number(await balance())
  const once = { 'idempotency-key': 'partial' }
  const partial = { status: 'Partial', remains: 25 }
  const set = await ask('POST', `/orders/${id}/status`, partial, once)
  assert.deepEqual(set.json, { id, state: 'partial' }, set.text)
  const again = await ask('POST', `/orders/${id}/status`, partial, once)
  assert.equal(again.text, set.text)
  assert.equal(again.headers['idempotent-replayed'], 'true')
  assert.equal(Number(await balance()), before + 0.25)
  const ended = await ask('POST', `/orders/${id}/status`, { status: 'in_progress' })
  assert.equal(ended.json.code, 'invalid_state')
  const unknown = await ask('POST', `/orders/${id}/status`, { status: 'Lost' })
  assert.equal(unknown.json.errors[0].pointer, '/status')
})

test('a refund is at most what is left of the charge', async () => {
  const id = await order()
  const path = `/orders/${id}/refund`
  const before = Number(await balance())
  const some = await ask('POST', path, { amount: '0.4', reason: 'late' })
  assert.equal(some.status, 201, some.text)
  assert.equal(some.json.amount, '0.40')
  const tooMuch = await ask('POST', path, { amount: '0.600001', reason: 'late' })
  assert.equal(tooMuch.status, 409)
  assert.equal(tooMuch.json.code, 'refund_exceeds_charge')
  const rest = await ask('POST', path, { reason: 'late' })
  assert.equal(rest.json.amount, '0.60')
  assert.equal(rest.json.refunded, '1.00')
  assert.equal((await ask('POST', path, { reason: 'late' })).status, 409)
  assert.equal(Number(await balance()), before + 1)
  const { refunds } = (await ask('GET', `/orders/${id}`)).json
  assert.deepEqual(
    refunds.map((refund: { amount: string; cause: string }) => [refund.amount, refund.cause]),
    [
      ['0.40', 'operator'],
      ['0.60', 'operator'],
    ],
  )
})
