import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'

let admin: AdminApp
let ask: AdminApp['ask']

before(async () => {
  admin = await startAdminApp()
  ask = (method, path, ...rest) => admin.ask(method, `/admin/v1${path}`, ...rest)
})
after(() => admin?.close())

const PLAN = {
  key: 'cloud-vps-2gb',
  name: 'Cloud VPS 2 GB',
  vcpus: 2,
  memory_mb: 2048,
  disk_gb: 40,
  prices: [
    { currency: 'USD', billing_cycle: 1, amount: '10' },
    { currency: 'JPY', billing_cycle: 12, amount: '15300' },
  ],
}
let keys = 0
const newKey = () => `thing-${++keys}`

async function events(kind: string): Promise<{ subject_id: bigint; data: unknown }[]> {
  const { rows } = await admin.database.pool.query(
    'select subject_id, data from event where kind = $1 order by tx_id, id',
    [kind],
  )
  return rows
}

test('a plan is added with its prices, changed, paused and listed', async () => {
  const once = { 'idempotency-key': 'plan' }
  const added = await ask('POST', '/plans', PLAN, once)
  assert.equal(added.status, 201, added.text)
  const { id, public_id, created_at, updated_at, ...rest } = added.json
  assert.match(public_id, /^vpsprod_[0-7][0-9a-z]{25}$/)
  assert.deepEqual(rest, {
    key: 'cloud-vps-2gb',
    name: 'Cloud VPS 2 GB',
    vcpus: 2,
    memory_mb: 2048,
    disk_gb: 40,
    bandwidth_gb: 0,
    minimum_billing_cycle: 1,
    provider: 'simulated',
    state: 'active',
    position: 0,
    prices: [
      { currency: 'JPY', billing_cycle: 12, amount: '15300' },
      { currency: 'USD', billing_cycle: 1, amount: '10.00' },
    ],
  })
  assert.equal((await ask('POST', '/plans', PLAN, once)).text, added.text)
  assert.deepEqual((await ask('GET', `/plans/${id}`)).json, added.json)
  const named = await ask('PATCH', `/plans/${id}`, { name: 'Two', bandwidth_gb: 5 })
  assert.partialDeepStrictEqual(named.json, { name: 'Two', bandwidth_gb: 5, prices: rest.prices })
  // All prices are sent together: what is not among them is sold no more.
  const prices = [{ currency: 'USD', billing_cycle: 3, amount: '0.000001' }]
  const priced = await ask('PATCH', `/plans/${id}`, { prices })
  assert.deepEqual(priced.json.prices, prices)
  assert.equal((await ask('PATCH', `/plans/${id}`, { state: 'paused' })).json.state, 'paused')
  const listed = await ask('GET', '/plans?state=paused')
  assert.deepEqual(listed.json.data.length, 1)
  assert.equal((await events('plan.created')).length, 1)
  assert.equal((await events('plan.paused')).length, 1)
  assert.deepEqual(
    (await events('plan.updated')).map((event) => event.data),
    [{ fields: ['name', 'bandwidthGb'] }, { fields: ['prices'] }],
  )
  const { rows } = await admin.database.pool.query(
    "select kind, currency from ledger_account where kind in ('revenue', 'tax') order by 1, 2",
  )
  assert.deepEqual(
    rows.map((row) => `${row.kind} ${row.currency}`),
    ['revenue JPY', 'revenue USD', 'tax JPY', 'tax USD'],
  )
})

test('what is no plan is refused, naming the field, and leaves nothing', async () => {
  const good = { ...PLAN, key: newKey() }
  const price = { currency: 'USD', billing_cycle: 1, amount: '1' }
  const bad: Record<string, object> = {
    '/key': { key: 'Cloud VPS' },
    '/name': { name: ' ' },
    '/vcpus': { vcpus: 0 },
    '/memory_mb': { memory_mb: 1.5 },
    '/bandwidth_gb': { bandwidth_gb: -1 },
    '/minimum_billing_cycle': { minimum_billing_cycle: 25 },
    '/provider': { provider: 'nobody' },
    '/prices/0/currency': { prices: [{ ...price, currency: 'XXZ' }] },
    '/prices/0/billing_cycle': { prices: [{ ...price, billing_cycle: 0 }] },
    '/prices/0/amount': { prices: [{ ...price, amount: '-1' }] },
    '/prices/1': { prices: [price, price] },
    '/prices/1/amount': {
      prices: [price, { ...price, currency: 'EUR', amount: '1000000000.000001' }],
    },
  }
  for (const [pointer, fields] of Object.entries(bad)) {
    const refused = await ask('POST', '/plans', { ...good, ...fields })
    assert.equal(refused.status, 400, `${pointer} ${refused.text}`)
    assert.equal(refused.json.errors[0].pointer, pointer, refused.text)
  }
  assert.equal((await ask('GET', '/plans?limit=100')).json.data.length, 1)
  assert.equal((await ask('POST', '/plans', good)).status, 201)
  assert.equal((await ask('POST', '/plans', good)).json.code, 'conflict')
  assert.equal((await ask('GET', '/plans/99999')).status, 404)
  assert.equal((await ask('PATCH', '/plans/99999', {})).status, 404)
})

test('an addon is added with its prices, changed, paused and listed', async () => {
  const addon = { key: newKey(), family: 'cpanel', name: 'cPanel Pro', prices: PLAN.prices }
  const added = await ask('POST', '/addons', addon)
  assert.equal(added.status, 201, added.text)
  assert.match(added.json.public_id, /^addon_/)
  const path = `/addons/${added.json.id}`
  assert.deepEqual((await ask('GET', path)).json, added.json)
  const paused = await ask('PATCH', path, { state: 'paused', prices: [] })
  assert.partialDeepStrictEqual(paused.json, { state: 'paused', prices: [], name: 'cPanel Pro' })
  assert.equal((await ask('GET', '/addons?family=cpanel&state=paused')).json.data.length, 1)
  assert.equal((await ask('GET', '/addons?family=plesk')).json.data.length, 0)
  assert.equal((await ask('POST', '/addons', addon)).json.code, 'conflict')
  const wrong = await ask('POST', '/addons', { ...addon, family: 'c panel' })
  assert.equal(wrong.json.errors[0].pointer, '/family')
})

test('a promo code keeps what it takes off, and can be disabled', async () => {
  const code = { code: 'Renew10', percent: 12.5, minimum_billing_cycle: 3, is_public: true }
  const added = await ask('POST', '/promo-codes', code)
  assert.equal(added.status, 201, added.text)
  const { id, created_at, ...rest } = added.json
  const shown = { plan_id: null, state: 'active', valid_until: null }
  assert.deepEqual(rest, { ...code, ...shown })
  const path = `/promo-codes/${id}`
  assert.deepEqual((await ask('GET', path)).json, added.json)
  const until = { valid_until: '2031-01-31T10:00:00+02:00' }
  const limited = await ask('PATCH', path, { ...until, is_public: false })
  assert.equal(limited.json.valid_until, '2031-01-31T08:00:00.000Z')
  assert.equal(limited.json.is_public, false)
  assert.equal((await ask('PATCH', path, { state: 'disabled' })).json.state, 'disabled')
  assert.equal((await ask('PATCH', path, { valid_until: null })).json.valid_until, null)
  assert.equal((await ask('GET', '/promo-codes?state=disabled')).json.data.length, 1)
  const fixed = await ask('PATCH', path, { percent: 20 })
  assert.equal(fixed.json.errors[0].code, 'unknown_field')
  // However it is capitalised, it is the same.
  const same = await ask('POST', '/promo-codes', { code: 'RENEW10', percent: 1 })
  assert.equal(same.json.code, 'conflict')
  const bad: Record<string, object> = {
    '/code': { code: 'with space' },
    '/percent': { percent: 0 },
    '/plan_id': { plan_id: '99999' },
    '/valid_until': { valid_until: 'tomorrow' },
  }
  for (const [pointer, fields] of Object.entries(bad)) {
    const refused = await ask('POST', '/promo-codes', { code: 'OTHER', percent: '1', ...fields })
    assert.equal(refused.json.errors?.[0]?.pointer, pointer, refused.text)
  }
  const kinds = ['promo_code.created', 'promo_code.updated', 'promo_code.disabled']
  const counts = await Promise.all(kinds.map(async (kind) => (await events(kind)).length))
  assert.deepEqual(counts, [1, 2, 1])
})

test('a tax profile is added, given to an account, and changed', async () => {
  const vat = { name: 'VAT', rate_percent: '25.5', prices_include_tax: false }
  const added = await ask('POST', '/tax-profiles', vat)
  assert.equal(added.status, 201, added.text)
  assert.equal(added.json.rate_percent, 25.5)
  const path = `/tax-profiles/${added.json.id}`
  assert.deepEqual((await ask('GET', path)).json, added.json)
  const listed = await ask('GET', '/tax-profiles')
  assert.deepEqual(
    listed.json.data.map((profile: { name: string }) => profile.name),
    ['No tax', 'VAT'],
  )
  const changed = await ask('PATCH', path, { rate_percent: 27, prices_include_tax: true })
  assert.partialDeepStrictEqual(changed.json, { rate_percent: 27, name: 'VAT' })
  assert.equal((await ask('POST', '/tax-profiles', vat)).json.code, 'conflict')
  const dear = await ask('POST', '/tax-profiles', { ...vat, name: 'x', rate_percent: 101 })
  assert.equal(dear.json.errors[0].pointer, '/rate_percent')

  const customer = { email: 'a@example.com', name: 'A', currency: 'EUR', time_zone: 'UTC' }
  const account = await ask('POST', '/accounts', customer)
  assert.equal(account.json.tax_profile_id, '1')
  const own = `/accounts/${account.json.id}`
  const taxed = await ask('PATCH', own, { tax_profile_id: added.json.id })
  assert.equal(taxed.json.tax_profile_id, added.json.id)
  const unknown = await ask('PATCH', own, { tax_profile_id: '99999' })
  assert.equal(unknown.json.errors[0].pointer, '/tax_profile_id')
  const other = { ...customer, email: 'b@example.com', tax_profile_id: added.json.id }
  assert.equal((await ask('POST', '/accounts', other)).json.tax_profile_id, added.json.id)
})

test('an account has one saved card, and its reference is never shown', async () => {
  const customer = { email: 'card@example.com', name: 'A', currency: 'EUR', time_zone: 'UTC' }
  const { id } = (await ask('POST', '/accounts', customer)).json
  const path = `/accounts/${id}/card`
  assert.equal((await ask('GET', path)).status, 404)
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242', card_ref: 'tok_secret' }
  const saved = await ask('POST', path, card)
  assert.equal(saved.status, 201, saved.text)
  assert.ok(!saved.text.includes('tok_secret'))
  assert.deepEqual((await ask('GET', path)).json, saved.json)
  const other = await ask('POST', path, { gateway: 'simulated', brand: 'amex', last_four: '0005' })
  assert.equal((await ask('GET', path)).json.id, other.json.id)
  assert.equal((await ask('DELETE', path)).status, 204)
  assert.equal((await ask('DELETE', path)).status, 204)
  assert.equal((await ask('GET', path)).status, 404)
  assert.equal((await events('card.saved')).length, 2)
  assert.equal((await events('card.removed')).length, 2)
  const bad: Record<string, object> = {
    '/gateway': { gateway: 'nobody' },
    '/last_four': { last_four: '424' },
    '/brand': { brand: '' },
  }
  for (const [pointer, fields] of Object.entries(bad)) {
    const refused = await ask('POST', path, { ...card, ...fields })
    assert.equal(refused.json.errors?.[0]?.pointer, pointer, refused.text)
  }
  assert.equal((await ask('POST', '/accounts/99999/card', card)).status, 404)
})
