/** What is read: servers, invoices, the wallet's activity and what is sold. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertJson, assertShape, hostupClient } from '../../kit/hostup.ts'
import { openInvoice, type Rented, renewalRow, rentedServer } from '../../kit/hostup-scene.ts'
import { suspendForAbuse, terminate } from '../../kit/operator.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { injectFault, newCustomer, place } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const MISSING = {
  allowed: false,
  reason: 'This is not available yet.',
  code: 'feature_unavailable',
}
const OPEN = { allowed: true, reason: null, code: null }

function actions(canRenew: { allowed: boolean; reason: string | null; code: string | null }) {
  const others = [
    'canStart',
    'canShutdown',
    'canStop',
    'canRestart',
    'canReset',
    'canChangeHostname',
    'canCreateBackup',
    'canRestoreBackup',
    'canDeleteBackup',
    'canChangeBillingCycle',
    'canUpgrade',
  ]
  return { canRenew, ...Object.fromEntries(others.map((name) => [name, MISSING])) }
}

/** A VPS as the list and the call for one show it; what is measured is as it was answered. */
function vps(rented: Rented, shown: unknown, canRenew: Parameters<typeof actions>[0] = OPEN) {
  const { bandwidth } = shown as { bandwidth: Record<string, number | null> }
  return {
    id: rented.publicId,
    name: rented.hostname,
    primaryIp: rented.address,
    serviceStatus: 'active',
    powerState: 'running',
    operatingSystem: {
      displayName: 'Ubuntu 24.04',
      family: 'ubuntu',
      version: '24.04',
      variant: null,
    },
    billing: {
      amount: 99,
      currencyCode: 'SEK',
      billingCycle: 'monthly',
      isPayg: false,
      periodYears: null,
    },
    resources: { cpuCores: 2, memoryGb: 2.5, storageGb: 40 },
    bandwidth: {
      usedGb: bandwidth.usedGb,
      limitGb: 2000,
      inboundGb: bandwidth.inboundGb,
      outboundGb: bandwidth.outboundGb,
      usagePercent: bandwidth.usagePercent,
    },
    actions: actions(canRenew),
  }
}

test('GET /vps/{id}: every field, by its public id and by its number', async () => {
  const rented = await rentedServer(purser, {})
  for (const name of [rented.publicId, String(rented.id)]) {
    const answer = await rented.client.get(`/v2/vps/${name}`)
    assertJson(answer, 'get /api/v2/vps/{id}', 200, vps(rented, answer.json))
    const { bandwidth } = answer.json as { bandwidth: Record<string, number> }
    for (const measure of ['usedGb', 'inboundGb', 'outboundGb', 'usagePercent']) {
      assert.ok(bandwidth[measure]! >= 0, measure)
    }
  }
})

test('GET /vps/{id}/details: every field', async () => {
  const rented = await rentedServer(purser, {})
  const answer = await rented.client.get(`/v2/vps/${rented.publicId}/details`)
  const { createdAt, bandwidth } = answer.json as { createdAt: string; bandwidth: unknown }
  assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 600_000)
  assertJson(answer, 'get /api/v2/vps/{id}/details', 200, {
    id: rented.publicId,
    productName: rented.planName,
    hostname: rented.hostname,
    serviceStatus: 'active',
    createdAt,
    nextDueAt: rented.expiresAt.toISOString(),
    billing: {
      amount: 99,
      currencyCode: 'SEK',
      billingCycle: 'monthly',
      isPayg: false,
      periodYears: null,
    },
    cpuCores: 2,
    memoryGb: 2.5,
    storageGb: 40,
    backupsIncluded: 0,
    bandwidth,
    ipAddresses: [
      {
        address: rented.address,
        version: 4,
        gateway: rented.gateway,
        prefix: 24,
        isPrimary: true,
        reverseDns: null,
      },
    ],
    sshKeys: [],
    actions: actions(OPEN),
  })
})

test('GET /vps/{id}/status: every field; 502 where the provider does not say', async () => {
  const rented = await rentedServer(purser, {})
  const path = `/v2/vps/${rented.publicId}/status`
  const answer = await rented.client.get(path)
  assertShape(answer, 'get /api/v2/vps/{id}/status', 200)
  const status = answer.json as Record<string, unknown> & { memory: { totalGb: number } }
  assert.deepEqual(Object.keys(status), [
    'id',
    'powerState',
    'uptimeSeconds',
    'cpuUsagePercent',
    'cpuCores',
    'memory',
    'storage',
    'network',
    'pendingTasks',
  ])
  assert.deepEqual(Object.keys(status.memory), ['usedGb', 'totalGb', 'usagePercent'])
  assert.equal(status.powerState, 'running')
  assert.equal(status.memory.totalGb, 2.5)
  await injectFault(purser, { operation: 'server_status', fault: 'error', times: 1 })
  const failed = await rented.client.get(path)
  assert.equal(failed.status, 502, failed.text)
  assert.equal((failed.json as { code: string }).code, 'provider_error')
  await injectFault(purser, { operation: 'server_status', fault: 'error', times: 1 })
  const unknown = await rented.client.get(`/v2/vps/${rented.publicId}`)
  assert.equal((unknown.json as { powerState: string }).powerState, 'unknown')
})

test('the gate of renewing tells what the call would answer', async () => {
  const gate = async (rented: Rented): Promise<unknown> => {
    const { json } = await rented.client.get(`/v2/vps/${rented.publicId}`)
    return (json as { actions: { canRenew: unknown } }).actions.canRenew
  }
  const waiting = await rentedServer(purser, {})
  assert.deepEqual(await gate(waiting), OPEN)
  await openInvoice(purser, waiting)
  assert.deepEqual(await gate(waiting), {
    allowed: false,
    reason: 'An unpaid invoice for the next period exists already.',
    code: 'existing_invoice_blocking',
  })
  for (const spoil of [suspendForAbuse, terminate]) {
    const rented = await rentedServer(purser, {})
    await spoil(purser, rented)
    const { allowed, code } = (await gate(rented)) as { allowed: boolean; code: string }
    assert.deepEqual([allowed, code], [false, 'invalid_state'])
    const renewed = await rented.client.post(`/v2/vps/${rented.publicId}/actions/renew`)
    assert.equal((renewed.json as { code: string }).code, code)
  }
})

test('states: suspended and terminated', async () => {
  const suspended = await rentedServer(purser, {})
  await suspendForAbuse(purser, suspended)
  const ended = await rentedServer(purser, { customer: suspended.customer })
  await terminate(purser, ended)
  const { json } = await suspended.client.get('/v2/vps')
  const { data } = json as {
    data: { id: string; serviceStatus: string; powerState: string | null }[]
  }
  assert.deepEqual(
    data.map(({ id, serviceStatus }) => [id, serviceStatus]),
    [
      [ended.publicId, 'terminated'],
      [suspended.publicId, 'suspended'],
    ],
  )
  assert.equal(data[0]!.powerState, null)
  const status = await ended.client.get(`/v2/vps/${ended.publicId}/status`)
  assertShape(status, 'get /api/v2/vps/{id}/status', 200)
  assert.equal((status.json as { uptimeSeconds: unknown }).uptimeSeconds, null)
})

test('GET /vps: newest first, page by page, by main address and by name', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK' })
  const all: Rented[] = []
  for (let count = 0; count < 5; count++) all.unshift(await rentedServer(purser, { customer }))
  const { client } = all[0]!
  const LIST = 'get /api/v2/vps'
  const whole = await client.get('/v2/vps')
  const { data: shown } = whole.json as { data: unknown[] }
  assertJson(whole, LIST, 200, {
    data: all.map((rented, at) => vps(rented, shown[at])),
    hasMore: false,
    nextCursor: null,
  })
  const seen: string[] = []
  let cursor: string | null = ''
  do {
    const path: string = `/v2/vps?limit=2${cursor ? `&cursor=${cursor}` : ''}`
    const page = await client.get(path)
    assertShape(page, LIST, 200)
    const body = page.json as {
      data: { id: string; powerState: string }[]
      hasMore: boolean
      nextCursor: string | null
    }
    assert.equal(body.hasMore, body.nextCursor !== null)
    assert.ok(body.data.every((one) => one.powerState === 'running'))
    seen.push(...body.data.map((one) => one.id))
    cursor = body.nextCursor
  } while (cursor !== null)
  assert.deepEqual(
    seen,
    all.map((rented) => rented.publicId),
  )
  const found = async (query: string): Promise<string[]> => {
    const answer = await client.get(`/v2/vps?${query}`)
    assertShape(answer, LIST, 200)
    return (answer.json as { data: { id: string }[] }).data.map(({ id }) => id)
  }
  const [first, second] = all as [Rented, Rented]
  assert.deepEqual(await found(`primaryIp=${first.address}`), [first.publicId])
  assert.deepEqual(await found(`name=${second.hostname}`), [second.publicId])
  assert.deepEqual(await found(`name=${second.hostname.slice(0, -1)}`), [])
  assert.deepEqual(await found(`name=${second.hostname}&primaryIp=${first.address}`), [])
  assert.deepEqual(await found('primaryIp=nonsense'), [])
})

test('GET /billing/invoices and /{id}: unpaid, by its id and its number', async () => {
  const rented = await rentedServer(purser, { tax: { percent: 25, within: true } })
  const invoiceId = await openInvoice(purser, rented)
  const row = await renewalRow(purser, rented)
  const head = {
    id: invoiceId,
    number: String(row.purchaseId),
    amount: 99,
    currencyCode: 'SEK',
    dueAt: rented.expiresAt.toISOString(),
    status: 'unpaid',
    paymentUrl: `/billing?invoice=${row.purchaseId}`,
    netAmount: 79.2,
    taxAmount: 19.8,
    taxPercent: 25,
    createdAt: row.createdAt.toISOString(),
    paidAt: null,
  }
  const LIST = 'get /api/v2/billing/invoices'
  const list = await rented.client.get('/v2/billing/invoices')
  const data = [{ ...head, actions: { canPay: OPEN } }]
  assertJson(list, LIST, 200, { data, hasMore: false, nextCursor: null })
  const paid = await rented.client.get('/v2/billing/invoices?status=paid')
  assertJson(paid, LIST, 200, { data: [], hasMore: false, nextCursor: null })
  for (const name of [invoiceId, row.invoiceNumber]) {
    const answer = await rented.client.get(`/v2/billing/invoices/${name}`)
    assertJson(answer, 'get /api/v2/billing/invoices/{id}', 200, {
      ...head,
      items: [
        {
          description: `Renewal: ${rented.planName} - ${rented.hostname} [${rented.address}]`,
          periodStart: rented.expiresAt.toISOString(),
          periodEnd: row.periodTo.toISOString(),
          billingCycle: 'monthly',
          amount: 99,
        },
      ],
      actions: { canPay: OPEN },
    })
  }
})

test('GET /billing/activity: what moved the wallet, and credits alone', async () => {
  const rented = await rentedServer(purser, { credit: '500.00' })
  const invoiceId = await openInvoice(purser, rented)
  const paid = await rented.client.post(`/v2/billing/invoices/${invoiceId}/actions/pay`)
  assert.equal(paid.status, 200, paid.text)
  await rented.customer.credit('-0.50')
  const ACTIVITY = 'get /api/v2/billing/activity'
  const answer = await rented.client.get('/v2/billing/activity')
  const { entries } = answer.json as { entries: { id: string; createdAt: string }[] }
  for (const { id } of entries) assert.match(id, /^txn_[0-7][0-9a-z]{25}$/)
  const { number } = paid.json as { number: string }
  const none = { invoiceId: null, invoiceNumber: null }
  const credit = { method: 'credit', methodLabel: 'Account credit' }
  const expected = [
    { description: 'Credit taken back', ...credit, amount: -0.5, ...none },
    {
      description: `Renewal: ${rented.planName} - ${rented.hostname} [${rented.address}]`,
      method: 'wallet',
      methodLabel: 'Wallet',
      amount: -99,
      invoiceId,
      invoiceNumber: number,
    },
    { description: 'Credit', ...credit, amount: 500, ...none },
  ].map(({ amount, invoiceId: id, invoiceNumber, ...rest }, at) => ({
    id: entries[at]?.id,
    ...rest,
    amount,
    currencyCode: 'SEK',
    createdAt: entries[at]?.createdAt,
    invoiceId: id,
    invoiceNumber,
  }))
  assertJson(answer, ACTIVITY, 200, {
    kind: 'transaction',
    entries: expected,
    hasMore: false,
    nextCursor: null,
  })
  const first = await rented.client.get('/v2/billing/activity?kind=credit&limit=1')
  const { nextCursor } = first.json as { nextCursor: string }
  assertJson(first, ACTIVITY, 200, {
    kind: 'credit',
    entries: [expected[0]],
    hasMore: true,
    nextCursor,
  })
  const rest = await rented.client.get(`/v2/billing/activity?kind=credit&cursor=${nextCursor}`)
  assertJson(rest, ACTIVITY, 200, {
    kind: 'credit',
    entries: [expected[2]],
    hasMore: false,
    nextCursor: null,
  })
  const wrong = await rented.client.get(`/v2/billing/activity?cursor=${nextCursor}`)
  assert.equal(wrong.status, 400, wrong.text)
})

test('an order of the panels is an activity too, without an invoice', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const id = await place(customer, { service: 1, quantity: 1000 })
  const { json } = await hostupClient(purser, customer.key).get('/v2/billing/activity?limit=1')
  const [entry] = (json as { entries: Record<string, unknown>[] }).entries
  assert.match(String(entry?.description), new RegExp(`^Order ${id}: `))
  assert.deepEqual([entry?.amount, entry?.invoiceId], [-0.9, null])
})

test('GET /products/vps: for an account with its tax, for anybody as it is listed', async () => {
  const rented = await rentedServer(purser, { tax: { percent: 25, within: false }, price: '79.20' })
  const PRODUCTS = 'get /api/v2/products/vps'
  const own = async (client: Rented['client'], query = ''): Promise<unknown> => {
    const answer = await client.get(`/v2/products/vps?limit=100${query}`)
    assertShape(answer, PRODUCTS, 200)
    const { data } = answer.json as { data: { slug: string }[] }
    return data.find(({ slug }) => slug === rented.planKey)
  }
  const product = (amount: number) => ({
    id: rented.productId,
    slug: rented.planKey,
    tier: null,
    name: rented.planName,
    resources: { cpuCores: 2, memoryGb: 2.5, storageGb: 40 },
    bandwidth: { limitGb: 2000 },
    billing: { amount, currencyCode: 'SEK', billingCycle: 'monthly' },
    billingCycles: [{ billingCycle: 'monthly', months: 1, amount }],
    available: true,
  })
  assert.deepEqual(await own(rented.client), product(99))
  const anybody = hostupClient(purser, null)
  assert.deepEqual(await own(anybody, '&currency=SEK'), product(79.2))
  assert.equal(await own(rented.client, '&currency=KWD'), undefined)
  const all = (await anybody.get('/v2/products/vps')).json as {
    data: { billing: { currencyCode: string } }[]
  }
  assert.equal(new Set(all.data.map((one) => one.billing.currencyCode)).size, 1)
  assert.equal((await hostupClient(purser, 'wrong').get('/v2/products/vps')).status, 401)
  assert.equal((await anybody.get('/v2/products/vps?currency=sek')).status, 400)
})
