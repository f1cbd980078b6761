import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AdminAnswer, type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'

let admin: AdminApp
let ask: AdminApp['ask']
let account: string
let plan: string
let cpanel: string
let hosts = 10

before(async () => {
  admin = await startAdminApp()
  ask = (method, path, ...rest) => admin.ask(method, `/admin/v1${path}`, ...rest)
  const vat = { name: 'VAT', rate_percent: 20, prices_include_tax: true }
  account = await create('/accounts', {
    email: 'customer@example.com',
    name: 'Customer',
    currency: 'USD',
    time_zone: 'Europe/Sofia',
    tax_profile_id: await create('/tax-profiles', vat),
  })
  await create(`/accounts/${account}/credits`, { amount: '100', reason: 'test' })
  const prices = [
    { currency: 'USD', billing_cycle: 1, amount: '5.00' },
    { currency: 'USD', billing_cycle: 3, amount: '14.00' },
  ]
  const small = { name: 'Small', vcpus: 1, memory_mb: 1024, disk_gb: 20, prices }
  plan = await create('/plans', { key: 'small', ...small })
  cpanel = await create('/addons', { key: 'cp-30', family: 'cpanel', name: 'cPanel', prices })
})
after(() => admin?.close())

async function create(path: string, body: unknown): Promise<string> {
  const answer = await ask('POST', path, body)
  assert.equal(answer.status, 201, answer.text)
  return answer.json.id
}

function newServer(o: object = {}) {
  const host = ++hosts
  return {
    account_id: account,
    plan_id: plan,
    billing_cycle: 1,
    hostname: `web${host}.example.com`,
    location: 'Sofia',
    image: { name: 'Debian 13', family: 'debian', version: '13' },
    addresses: [{ address: `192.0.2.${host}`, gateway: '192.0.2.1', prefix: 24 }],
    ...o,
  }
}

async function refusedAt(answer: Promise<AdminAnswer>, pointer: string): Promise<void> {
  const refused = await answer
  assert.equal(refused.status, 400, refused.text)
  assert.equal(refused.json.errors[0].pointer, pointer, refused.text)
}

async function balance(): Promise<string> {
  return (await ask('GET', `/accounts/${account}`)).json.balance
}

test('a server is entered with its addresses, addons and a granted period', async () => {
  const sent = newServer({
    hostname: 'WEB.example.com',
    provider_ref: 'vm-1',
    addresses: [
      { address: '198.51.100.7', gateway: '198.51.100.1', prefix: 24, ptr: 'web.example.com' },
      { address: '2001:db8::7', gateway: '2001:db8::1', prefix: 64, is_ddos_protected: true },
    ],
    addons: [{ addon_id: cpanel, quantity: 2 }],
    starts_at: '2031-01-31T12:00:00Z',
  })
  const once = { 'idempotency-key': 'server' }
  const added = await ask('POST', '/servers', sent, once)
  assert.equal(added.status, 201, added.text)
  const { id, public_id, addresses, addons, subscription, created_at, ...rest } = added.json
  assert.match(public_id, /^vps_[0-7][0-9a-z]{25}$/)
  assert.deepEqual(rest, {
    account_id: account,
    plan_id: plan,
    plan_key: 'small',
    provider: 'simulated',
    provider_ref: 'vm-1',
    hostname: 'web.example.com',
    location: 'Sofia',
    image: sent.image,
    state: 'active',
    suspended_for: null,
    locked_at: null,
  })
  assert.partialDeepStrictEqual(addresses, [
    { version: 4, address: '198.51.100.7', is_main: true, ptr: 'web.example.com' },
    { version: 6, address: '2001:db8::7', is_main: false, ptr: null, is_ddos_protected: true },
  ])
  assert.partialDeepStrictEqual(addons, [{ key: 'cp-30', quantity: 2 }])
  assert.partialDeepStrictEqual(subscription, {
    billing_cycle: 1,
    // The 31st begins in Sofia at 22:00 of the day before; February ends on the 28th.
    expires_at: '2031-02-27T22:00:00.000Z',
    auto_pay: true,
    time_zone: 'Europe/Sofia',
    renewal_gross: '15.00',
  })
  assert.equal((await ask('POST', '/servers', sent, once)).text, added.text)
  assert.deepEqual((await ask('GET', `/servers/${public_id}`)).json, added.json)
  const listed = await ask('GET', `/subscriptions?server_id=${id}`)
  assert.deepEqual(
    listed.json.data.map((one: { kind: string }) => one.kind),
    ['server-addon', 'server'],
  )
  const own = await ask('GET', `/subscriptions/${subscription.id}`)
  assert.deepEqual(own.json.periods, [
    {
      from: '2031-01-30T22:00:00.000Z',
      to: '2031-02-27T22:00:00.000Z',
      billing_cycle: 1,
      purchase_id: null,
    },
  ])
  assert.equal(own.json.anchor_day, 31)
})

test('servers are listed and filtered', async () => {
  const { addresses, hostname, ...sent } = newServer()
  const id = await create('/servers', { ...sent, hostname, addresses })
  const filters = [
    [`account_id=${account}&hostname=${hostname}`, 1],
    [`address=${addresses[0]?.address}`, 1],
    [`search=${hostname.toUpperCase().slice(0, 8)}`, 1],
    ['account_id=99999', 0],
    ['state=suspended', 0],
  ] as const
  for (const [filter, count] of filters) {
    const listed = await ask('GET', `/servers?${filter}`)
    assert.equal(listed.json.data.length, count, `${filter} ${listed.text}`)
    if (count === 1) assert.equal(listed.json.data[0].id, id)
  }
  const first = await ask('GET', '/servers?limit=1')
  assert.equal(first.json.hasMore, true)
  const second = await ask('GET', `/servers?limit=1&cursor=${first.json.nextCursor}`)
  assert.notEqual(second.json.data[0].id, first.json.data[0].id)
})

test('what cannot be a server is refused, naming the field, and leaves nothing', async () => {
  const taken = newServer({ provider_ref: 'vm-2' })
  await create('/servers', taken)
  const before = (await ask('GET', '/servers?limit=100')).json.data.length
  const [address] = newServer().addresses
  const addon = { addon_id: cpanel }
  const bad: Record<string, object> = {
    '/account_id': { account_id: '99999' },
    '/plan_id': { plan_id: '99999' },
    '/hostname': { hostname: 'web_1' },
    '/location': { location: ' ' },
    '/image/version': { image: { name: 'x', family: 'x', version: '' } },
    '/addresses/0/address': { addresses: [{ ...address, address: '192.0.2' }] },
    '/addresses/0/gateway': { addresses: [{ ...address, gateway: '2001:db8::1' }] },
    '/addresses/0/prefix': { addresses: [{ ...address, prefix: 33 }] },
    '/addresses/0/ptr': { addresses: [{ ...address, ptr: 'x_y' }] },
    '/addons/0/addon_id': { addons: [{ addon_id: '99999' }] },
    '/addons/0/quantity': { addons: [{ ...addon, quantity: 101 }] },
    '/addons/1/addon_id': { addons: [addon, addon] },
    '/starts_at': { starts_at: '2031-01-31' },
  }
  for (const [pointer, fields] of Object.entries(bad)) {
    await refusedAt(ask('POST', '/servers', newServer(fields)), pointer)
  }
  const unsold = await ask('POST', '/servers', newServer({ billing_cycle: 12 }))
  assert.match(unsold.json.detail, /not sold/)
  const again = await ask('POST', '/servers', newServer({ provider_ref: 'vm-2' }))
  assert.equal(again.json.code, 'conflict')
  const shared = newServer({ addresses: taken.addresses })
  assert.equal((await ask('POST', '/servers', shared)).json.code, 'conflict')
  assert.equal((await ask('GET', '/servers?limit=100')).json.data.length, before)

  const terms = { name: 'Least', vcpus: 1, memory_mb: 1, disk_gb: 1, minimum_billing_cycle: 3 }
  const prices = [{ currency: 'USD', billing_cycle: 1, amount: '5.00' }]
  const least = await create('/plans', { key: 'least', ...terms, prices })
  await refusedAt(ask('POST', '/servers', newServer({ plan_id: least })), '/billing_cycle')
  await ask('PATCH', `/plans/${least}`, { state: 'paused' })
  await refusedAt(ask('POST', '/servers', newServer({ plan_id: least })), '/plan_id')
})

test('a renewal is made out once, paid from the wallet, and then there is another', async () => {
  const { id } = (await ask('POST', '/servers', newServer())).json
  const start = Number(await balance())
  const made = await ask('POST', `/servers/${id}/renew`)
  assert.equal(made.status, 201, made.text)
  assert.partialDeepStrictEqual(made.json, {
    account_id: account,
    state: 'awaiting_payment',
    net: '4.17',
    gross: '5.00',
    tax_rate_percent: 20,
    invoice: { state: 'unpaid', number: made.json.id, is_original: false, gross: '5.00' },
  })
  const again = await ask('POST', `/servers/${id}/renew`)
  assert.equal(again.status, 200)
  assert.deepEqual(again.json, made.json)
  const path = `/purchases/${made.json.id}`
  assert.deepEqual((await ask('GET', path)).json, made.json)
  const once = { 'idempotency-key': 'pay' }
  const paid = await ask('POST', `${path}/pay`, {}, once)
  assert.equal(paid.status, 200, paid.text)
  assert.partialDeepStrictEqual(paid.json, {
    state: 'paid',
    invoice: { state: 'paid', is_original: true, number: '1000000001' },
  })
  assert.equal(Number(await balance()), start - 5)
  const repeated = await ask('POST', `${path}/pay`, {}, once)
  assert.equal(repeated.headers['idempotent-replayed'], 'true')
  const late = await ask('POST', `${path}/pay`)
  assert.equal(late.status, 409)
  assert.match(late.json.detail, /paid already/)
  assert.equal(Number(await balance()), start - 5)
  const invoice = `/invoices/${paid.json.invoice.public_id}`
  assert.deepEqual((await ask('GET', invoice)).json, paid.json.invoice)
  const next = await ask('POST', `/servers/${id}/renew`, { billing_cycle: 3 })
  assert.equal(next.status, 201, next.text)
  assert.equal(next.json.gross, '14.00')
  const cancelled = await ask('POST', `/purchases/${next.json.id}/cancel`)
  assert.equal(cancelled.json.state, 'cancelled')
  assert.equal((await ask('POST', `/purchases/${next.json.id}/pay`)).json.code, 'invalid_state')
  const lists = [
    [`/purchases?account_id=${account}&state=paid`, 1],
    [`/purchases?state=awaiting_payment`, 0],
    [`/invoices?server_id=${id}`, 2],
    [`/invoices?account_id=${account}&state=cancelled`, 1],
    ['/invoices?account_id=99999', 0],
  ] as const
  for (const [list, count] of lists) {
    assert.equal((await ask('GET', list)).json.data.length, count, list)
  }
})

test('what cannot be paid says why, and takes nothing', async () => {
  const poor = await create('/accounts', {
    email: 'poor@example.com',
    name: 'Poor',
    currency: 'USD',
    time_zone: 'UTC',
  })
  const { id } = (await ask('POST', '/servers', newServer({ account_id: poor }))).json
  const made = await ask('POST', `/servers/${id}/renew`)
  const path = `/purchases/${made.json.id}`
  const short = await ask('POST', `${path}/pay`)
  assert.equal(short.status, 402, short.text)
  assert.equal(short.json.code, 'insufficient_funds')
  const euro = await ask('PATCH', `/accounts/${poor}`, { currency: 'EUR' })
  assert.equal(euro.status, 409)
  assert.match(euro.json.detail, /currency is fixed/)
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242' }
  await create(`/accounts/${poor}/card`, card)
  const fault = { operation: 'extend', fault: 'refuse', times: 1 }
  assert.deepEqual((await ask('PUT', '/drivers/simulated/faults', fault)).json, fault)
  const reversed = await ask('POST', `${path}/pay`, { use_card: true })
  assert.equal(reversed.status, 502, reversed.text)
  assert.match(reversed.json.detail, /back in the wallet/)
  assert.equal((await ask('GET', path)).json.state, 'awaiting_payment')
  // What the card gave is in the wallet.
  assert.equal((await ask('GET', `/accounts/${poor}`)).json.balance, '5.00')
  assert.equal((await ask('POST', `${path}/pay`)).json.state, 'paid')
  assert.equal((await ask('GET', `/accounts/${poor}`)).json.balance, '0.00')
})

test('a server is suspended for abuse, resumed, changed and ended', async () => {
  const { id } = (await ask('POST', '/servers', newServer())).json
  const path = `/servers/${id}`
  const suspended = await ask('POST', `${path}/suspend`)
  assert.deepEqual([suspended.json.state, suspended.json.suspended_for], ['suspended', 'abuse'])
  assert.equal((await ask('POST', `${path}/renew`)).json.code, 'invalid_state')
  const resumed = await ask('POST', `${path}/resume`)
  assert.deepEqual([resumed.json.state, resumed.json.suspended_for], ['active', null])
  const changed = await ask('PATCH', path, { hostname: 'other.example.com', auto_pay: false })
  assert.equal(changed.json.hostname, 'other.example.com')
  assert.equal(changed.json.subscription.auto_pay, false)
  await refusedAt(ask('PATCH', path, { hostname: 'not a name' }), '/hostname')
  const made = await ask('POST', `${path}/renew`)
  assert.equal(made.json.auto_pay, false)
  const ended = await ask('POST', `${path}/terminate`)
  assert.equal(ended.json.state, 'terminated')
  assert.equal(ended.json.subscription.state, 'ended')
  assert.equal((await ask('GET', `/purchases/${made.json.id}`)).json.state, 'cancelled')
  for (const verb of ['suspend', 'resume', 'renew']) {
    assert.equal((await ask('POST', `${path}/${verb}`)).json.code, 'invalid_state', verb)
  }
  assert.equal((await ask('POST', `${path}/terminate`)).status, 200)
  for (const verb of ['suspend', 'resume', 'renew', 'terminate']) {
    assert.equal((await ask('POST', `/servers/99999/${verb}`)).status, 404, verb)
  }
  const { rows } = await admin.database.pool.query(
    `select kind from event
     where (kind like 'server.%' and subject_id = $1)
       or (kind like 'subscription.%' and subject_id = $2) order by tx_id, id`,
    [id, ended.json.subscription.id],
  )
  assert.deepEqual(
    rows.map((row) => row.kind),
    [
      'server.created',
      'subscription.opened',
      'server.suspended',
      'server.resumed',
      'subscription.auto_pay_changed',
      'server.updated',
      'subscription.ended',
      'server.terminated',
    ],
  )
})

test('a simulated server is switched off and on', async () => {
  const { id, public_id } = (await ask('POST', '/servers', newServer())).json
  const path = `/drivers/simulated/servers/${public_id}`
  const off = await ask('PUT', path, { power: 'stopped' })
  assert.deepEqual(off.json, { server_id: id, power: 'stopped' })
  const { rows } = await admin.database.pool.query(
    'select power from simulated_server where ref = $1',
    [public_id],
  )
  assert.deepEqual(rows, [{ power: 'stopped' }])
  assert.equal(
    (await ask('PUT', '/drivers/simulated/servers/99999', { power: 'running' })).status,
    404,
  )
})

test('the books balance', async () => {
  const verified = await ask('POST', '/ledger/verify', { all: true })
  assert.deepEqual(
    verified.json.checks.filter((check: { ok: boolean }) => !check.ok),
    [],
  )
})
