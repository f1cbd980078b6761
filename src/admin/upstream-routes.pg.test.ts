import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'

/** Where nobody is asked: these upstreams are only written down. */
const NOWHERE = 'http://127.0.0.1:9/api/v2'
const KEY = 'upstream-key-of-purser'
let admin: AdminApp
before(async () => {
  admin = await startAdminApp()
})
after(() => admin.close())

test('a repeat under the same key connects no second one', async () => {
  const body = { name: 'once', url: NOWHERE, api_key: KEY }
  const headers = { 'idempotency-key': 'once' }
  const first = await admin.ask('POST', '/admin/v1/upstreams', body, headers)
  const second = await admin.ask('POST', '/admin/v1/upstreams', body, headers)
  assert.equal(second.text, first.text)
  assert.equal(second.headers['idempotent-replayed'], 'true')
  assert.equal((await admin.ask('POST', '/admin/v1/upstreams', body)).status, 409)
})

test('what is no upstream is refused by its field', async () => {
  const body = { name: 'fine', url: NOWHERE, api_key: KEY }
  const cases = [
    [{ name: 'Big Panel' }, '/name', 400],
    [{ name: 'simulated' }, undefined, 409],
    [{ url: 'ftp://panel.example' }, '/url', 400],
    [{ url: 'https://user:secret@panel.example' }, '/url', 400],
    [{ api_key: 'two words' }, '/api_key', 400],
    [{ in_flight_max: 0 }, '/in_flight_max', 400],
    [{ margin_percent: -1 }, '/margin_percent', 400],
    [{ margin_fixed: 'much' }, '/margin_fixed', 400],
    [{ round_to: '0' }, '/round_to', 400],
    [{ balance_alert: 'low' }, '/balance_alert', 400],
    [{ currency: 'dollars' }, '/currency', 400],
  ] as const
  for (const [changes, pointer, status] of cases) {
    const answer = await admin.ask('POST', '/admin/v1/upstreams', { ...body, ...changes })
    assert.equal(answer.status, status, answer.text)
    assert.equal(answer.json.errors?.[0]?.pointer, pointer, answer.text)
  }
})

test('an import waits for the currency, and a margin for its category', async () => {
  const body = { name: 'silent', url: NOWHERE, api_key: KEY }
  const { id } = (await admin.ask('POST', '/admin/v1/upstreams', body)).json
  const services = { services: ['1'] }
  const early = await admin.ask('POST', `/admin/v1/upstreams/${id}/import`, services)
  assert.deepEqual([early.status, early.json.code], [409, 'invalid_state'])
  const margins = `/admin/v1/upstreams/${id}/margins`
  const margin = { margin_percent: 5, margin_fixed: '0' }
  assert.equal((await admin.ask('PUT', `${margins}/999`, margin)).status, 404)
  const category = { name: 'Work', position: 1 }
  const { id: work } = (await admin.ask('POST', '/admin/v1/categories', category)).json
  const set = await admin.ask('PUT', `${margins}/${work}`, margin)
  assert.deepEqual(set.json.category_margins, [
    { category_id: work, margin_percent: 5, margin_fixed: '0.00' },
  ])
  assert.equal((await admin.ask('DELETE', `${margins}/${work}`)).status, 204)
  assert.equal((await admin.ask('DELETE', `${margins}/${work}`)).status, 404)
})

test('what is changed is kept, and what is not stays', async () => {
  const body = { name: 'changing', url: NOWHERE, api_key: KEY, balance_alert: '5.5' }
  const before = (await admin.ask('POST', '/admin/v1/upstreams', body)).json
  const changes = { margin_percent: '12.5', when_failing: 'refund', is_idempotent: true }
  const after = await admin.ask('PATCH', `/admin/v1/upstreams/${before.id}`, changes)
  assert.equal(after.status, 200, after.text)
  const { updated_at: _before, ...expected } = { ...before, ...changes, margin_percent: 12.5 }
  const { updated_at: _after, ...shown } = after.json
  assert.deepEqual(shown, expected)
  assert.equal((await admin.ask('PATCH', '/admin/v1/upstreams/999', changes)).status, 404)
})
