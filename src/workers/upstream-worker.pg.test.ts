import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type AdminApp, startAdminApp } from '../../test/kit/admin-app.ts'
import { startUpstreamPanel, type UpstreamPanel } from '../../test/kit/upstream-panel.ts'
import { openSecretBox } from '../core/secret-box.ts'
import { UpstreamDrivers } from '../core/upstreams/upstream-drivers.ts'
import { apiV2Delivery } from '../drivers/delivery/api-v2/api-v2-delivery.ts'
import { ShiftedClock } from '../lib/clock.ts'
import { startUpstreamWorker } from './upstream-worker.ts'
import type { RunningWorker } from './worker-loop.ts'

const MINUTE_MS = 60_000
let admin: AdminApp
let panel: UpstreamPanel
let clock: ShiftedClock
let drivers: UpstreamDrivers
let worker: RunningWorker
let shiftedMs = 0
let upstreams = 0
const logged: string[] = []
const log = {
  warn(fields: object, text: string) {
    logged.push(`${JSON.stringify(fields)} ${text}`)
  },
}

before(async () => {
  admin = await startAdminApp()
  clock = new ShiftedClock()
  drivers = new UpstreamDrivers({
    db: admin.database.db,
    secrets: openSecretBox(Buffer.alloc(32, 7)),
    builtIn: new Map(),
    open: apiV2Delivery,
    log,
  })
  await drivers.start()
  const funnel = { database: admin.database, clock }
  worker = startUpstreamWorker({ funnel, upstreams: drivers, log: log as never })
})
after(async () => {
  await worker.stop()
  await drivers.stop()
  await admin.close()
})
/** Each test has its own: the upstreams of those before fail. */
beforeEach(async () => {
  panel = await startUpstreamPanel()
})
afterEach(async () => {
  await panel.close()
  const { rows } = await admin.database.pool.query<{ text: string }>(`
    select row_to_json(e)::text as text from event e
    union all select row_to_json(n)::text from notice n
    union all select row_to_json(u)::text from upstream u
    union all select row_to_json(i)::text from idempotency i`)
  const said = [...rows.map(({ text }) => text), ...logged].join('\n')
  assert.ok(!said.includes(panel.key), 'the key of an upstream is written down somewhere')
})

function timePasses(ms: number): void {
  shiftedMs += ms
  clock.shiftTo(shiftedMs)
}

/** Waits, without a bound that could fail on a slow machine, until `ready` answers something. */
async function until<T>(ready: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await ready()
    if (found) return found
    await pause(20)
  }
}

async function connect(terms: object = {}): Promise<{ id: string; name: string }> {
  const answer = await admin.ask(
    'POST',
    '/admin/v1/upstreams',
    { name: `panel-${++upstreams}`, url: panel.url, api_key: panel.key, ...terms },
    { 'idempotency-key': `connect-${upstreams}` },
  )
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

const show = async (id: string) => (await admin.ask('GET', `/admin/v1/upstreams/${id}`)).json

/** Nobody is looking at it: what is written at the end of a look is written. */
const IS_IDLE = '(lease_until is null or lease_until <= clock_timestamp())'

/** Has an upstream looked at anew, from the beginning, once nobody is looking at it. */
async function lookNow(id: string): Promise<void> {
  await until(async () => {
    const { rowCount } = await admin.database.pool.query(
      `update upstream set services_at = null, look_at = $1 where id = $2 and ${IS_IDLE}`,
      [new Date(0), id],
    )
    return rowCount === 1
  })
}

async function isIdle(id: string): Promise<boolean> {
  const { rowCount } = await admin.database.pool.query(
    `select from upstream where id = $1 and ${IS_IDLE}`,
    [id],
  )
  return rowCount === 1
}

/** How an upstream stands once its services have been read anew. */
async function read(id: string) {
  await lookNow(id)
  return await until(async () => {
    const upstream = await show(id)
    const isRead = upstream.services_at !== null && upstream.balance_at !== null
    return isRead && (await isIdle(id)) && (await show(id))
  })
}

async function serviceOf(id: string) {
  return (await admin.ask('GET', `/admin/v1/services/${id}`)).json
}

/** What is open about an upstream, or about a service of it. */
async function openNotices(kind: string, { name }: { name: string }) {
  const { json } = await admin.ask('GET', `/admin/v1/notices?open=true&kind=${kind}&limit=100`)
  type Shown = { id: string; subject: string; data: Record<string, unknown> }
  return (json.data as Shown[]).filter(({ subject, data }) =>
    [subject, data.upstream].includes(name),
  )
}

async function importAll(upstream: { id: string }, services: readonly string[] = ['1']) {
  const path = `/admin/v1/upstreams/${upstream.id}/import`
  const answer = await admin.ask('POST', path, { services })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

function offer(service: number | string, changes: object = {}): Record<string, unknown> {
  const terms = { name: `Service ${service}`, type: 'Default', rate: '1.00', min: '10', max: '500' }
  return { service, ...terms, category: 'Work', refill: true, cancel: false, ...changes }
}

test('what an upstream says of itself is shown, and its key never', async () => {
  panel.services = [offer(1), offer('x-2', { rate: 0.5, min: 1, max: 10, dripfeed: true })]
  const upstream = await connect({ margin_percent: 25, round_to: '0.01' })
  const stands = await read(upstream.id)
  assert.deepEqual(
    [stands.balance, stands.currency, stands.failing_since],
    ['100.84292', 'USD', null],
  )
  const { json } = await admin.ask('GET', `/admin/v1/upstreams/${upstream.id}/services?limit=1`)
  assert.equal(json.hasMore, true)
  const [first] = json.data
  assert.deepEqual(
    [first.service, first.rate, first.min_quantity, first.can_refill, first.can_cancel],
    ['1', '1.00', '10', true, false],
  )
  const answers = [stands, json, await openNotices('none', upstream)].map((each) =>
    JSON.stringify(each),
  )
  assert.ok(!answers.join('').includes(panel.key))
})

test('imported services cost what the upstream takes, with the margin of their category', async () => {
  panel.services = [
    offer(1, { rate: '0.9001' }),
    offer(2, { category: 'Dear', type: 'custom_comments' }),
    offer(3, { type: 'Something else' }),
    offer(4, { rate: '0' }),
    offer(5, { type: 'Package', min: 250, max: 250 }),
  ]
  const upstream = await connect({ margin_percent: '10', margin_fixed: '0.001', round_to: '0.01' })
  await read(upstream.id)
  const category = await admin.ask('POST', '/admin/v1/categories', { name: 'Dear', position: 1 })
  const margins = `/admin/v1/upstreams/${upstream.id}/margins/${category.json.id}`
  const margin = { margin_percent: 100, margin_fixed: '0' }
  assert.equal((await admin.ask('PUT', margins, margin)).status, 200)
  const { imported, skipped } = await importAll(upstream, ['1', '2', '3', '4', '5', '9'])
  assert.deepEqual(
    imported.map((each: { upstream_service: string }) => each.upstream_service),
    ['1', '2', '4', '5'],
  )
  assert.deepEqual(skipped, [
    { upstream_service: '3', reason: 'unknown_type' },
    { upstream_service: '9', reason: 'not_listed' },
  ])
  const services = await Promise.all(
    imported.map(({ service_id }: { service_id: string }) => serviceOf(service_id)),
  )
  assert.deepEqual(
    services.map(({ type, prices, package_quantity }) => [type, prices[0].rate, package_quantity]),
    [
      // 0.9001 × 1.1 + 0.001 = 0.99111
      ['Default', '1.00', null],
      ['Custom Comments', '2.00', null],
      ['Default', '0.01', null],
      ['Package', '1.11', 250],
    ],
  )
  assert.equal(services[0].provider, upstream.name)
  assert.deepEqual((await importAll(upstream)).skipped, [
    { upstream_service: '1', reason: 'sold_already' },
  ])
})

test('a price that follows moves with the upstream, and with the margin', async () => {
  panel.services = [offer(1), offer(2)]
  const upstream = await connect({ margin_percent: 50 })
  await read(upstream.id)
  const { imported } = await importAll(upstream, ['1', '2'])
  const [{ service_id: id }, { service_id: own }] = imported
  const rate = async () => (await serviceOf(id)).prices[0].rate
  assert.equal(await rate(), '1.50')
  panel.services = [offer(1, { rate: '2.00' }), offer(2)]
  await read(upstream.id)
  assert.equal(await rate(), '3.00')
  await admin.ask('PATCH', `/admin/v1/upstreams/${upstream.id}`, { margin_percent: 10 })
  await read(upstream.id)
  assert.equal(await rate(), '2.20')
  const provider = { provider: upstream.name, upstream_service: '2', follows_price: true }
  const providers = [{ ...provider, margin_percent: 300, margin_fixed: '0.50' }]
  assert.equal((await admin.ask('PATCH', `/admin/v1/services/${own}`, { providers })).status, 200)
  await read(upstream.id)
  assert.equal((await serviceOf(own)).prices[0].rate, '4.50')
  assert.deepEqual(await openNotices('upstream.service_repriced', upstream), [])
})

test('a list that is the same leaves the catalogue alone', async () => {
  panel.services = [offer(1)]
  const upstream = await connect()
  await read(upstream.id)
  const epoch = async () =>
    (await admin.database.pool.query("select value from epoch where name = 'catalogue'")).rows[0]
  const before = await epoch()
  const { services_at } = await show(upstream.id)
  timePasses(11 * MINUTE_MS)
  await until(async () => (await show(upstream.id)).services_at !== services_at)
  assert.deepEqual(await epoch(), before)
})

test('what costs more and does not follow is paused, once, with a notice', async () => {
  panel.services = [offer(1)]
  const upstream = await connect()
  await read(upstream.id)
  const { imported } = await importAll(upstream)
  const { service_id: id } = imported[0]
  const fixed = { provider: upstream.name, upstream_service: '1' }
  await admin.ask('PATCH', `/admin/v1/services/${id}`, { providers: [fixed] })
  panel.services = [offer(1, { rate: '0.80' })]
  await read(upstream.id)
  assert.equal((await serviceOf(id)).state, 'active')
  panel.services = [offer(1, { rate: '0.90' })]
  await read(upstream.id)
  const service = await serviceOf(id)
  assert.deepEqual([service.state, service.prices[0].rate], ['paused', '1.00'])
  const notices = await openNotices('upstream.service_repriced', upstream)
  assert.deepEqual(notices[0]?.data, {
    service_id: id,
    upstream: upstream.name,
    upstream_service: '1',
    rate_micros_before: '800000',
    rate_micros: '900000',
    paused: true,
  })
  await admin.ask('PATCH', `/admin/v1/services/${id}`, { state: 'active' })
  await read(upstream.id)
  assert.equal((await serviceOf(id)).state, 'active', 'the operator has decided')
})

test('what is no longer listed is paused; what others deliver too is sold on', async () => {
  panel.services = [offer(1), offer(2), offer(3)]
  const upstream = await connect()
  await read(upstream.id)
  const { imported } = await importAll(upstream, ['1', '2', '3'])
  const [alone, shared, stays] = imported.map((each: { service_id: string }) => each.service_id)
  const providers = [
    { provider: upstream.name, upstream_service: '2', follows_price: true },
    { provider: 'simulated' },
  ]
  await admin.ask('PATCH', `/admin/v1/services/${shared}`, { providers })
  panel.services = [offer(3)]
  await read(upstream.id)
  const states = await Promise.all(
    [alone, shared, stays].map(async (id) => (await serviceOf(id)).state),
  )
  assert.deepEqual(states, ['paused', 'active', 'active'])
  const notices = await openNotices('upstream.service_gone', upstream)
  assert.deepEqual(notices.map((each) => each.subject).sort(), [alone, shared].sort())
  panel.services = [offer(1), offer(2), offer(3)]
  await read(upstream.id)
  assert.deepEqual(await openNotices('upstream.service_gone', upstream), [])
  assert.equal((await serviceOf(alone)).state, 'paused', 'it is resumed by an operator')
})

test('an empty list takes nothing from the shop', async () => {
  panel.services = [offer(1)]
  const upstream = await connect()
  await read(upstream.id)
  const { imported } = await importAll(upstream)
  panel.services = []
  await lookNow(upstream.id)
  const failing = await until(async () => {
    const stands = await show(upstream.id)
    return stands.failing_since !== null && stands
  })
  assert.equal(failing.last_error, 'services: the list is empty')
  assert.equal((await serviceOf(imported[0].service_id)).state, 'active')
  panel.services = [offer(1)]
  await read(upstream.id)
})

test('a low balance is told once, and forgotten when there is money again', async () => {
  panel.balance = '4.999999'
  const upstream = await connect({ balance_alert: '5' })
  await read(upstream.id)
  const notices = await openNotices('upstream.balance_low', upstream)
  assert.equal(notices.length, 1)
  assert.equal(notices[0]?.subject, upstream.name)
  await read(upstream.id)
  assert.equal((await openNotices('upstream.balance_low', upstream)).length, 1)
  panel.balance = '5'
  timePasses(2 * MINUTE_MS)
  await until(async () => (await openNotices('upstream.balance_low', upstream)).length === 0)
})

test('an upstream that cannot be asked is told after a while, until it answers', async () => {
  const upstream = await connect()
  await read(upstream.id)
  const wrong = 'the-wrong-key'
  await admin.ask('PATCH', `/admin/v1/upstreams/${upstream.id}`, { api_key: wrong })
  const failed = async () => (await show(upstream.id)).last_error === 'balance: Invalid API key'
  await until(failed)
  assert.deepEqual(await openNotices('upstream.failing', upstream), [])
  timePasses(3 * MINUTE_MS)
  const [notice] = await until(async () => {
    const open = await openNotices('upstream.failing', upstream)
    return open.length > 0 && open
  })
  assert.equal(notice?.data.error, 'balance: Invalid API key')
  assert.ok(!logged.join('\n').includes(wrong))
  await admin.ask('PATCH', `/admin/v1/upstreams/${upstream.id}`, { api_key: panel.key })
  await until(async () => (await openNotices('upstream.failing', upstream)).length === 0)
  assert.equal((await show(upstream.id)).failing_since, null)
})

test('an operator closes a notice, and it opens anew when it is raised again', async () => {
  panel.balance = '1'
  const upstream = await connect({ balance_alert: '5' })
  await read(upstream.id)
  const [notice] = await openNotices('upstream.balance_low', upstream)
  const closed = await admin.ask('POST', `/admin/v1/notices/${notice?.id}/close`)
  assert.notEqual(closed.json.closed_at, null)
  await read(upstream.id)
  timePasses(2 * MINUTE_MS)
  const [again] = await until(async () => {
    const open = await openNotices('upstream.balance_low', upstream)
    return open.length > 0 && open
  })
  assert.notEqual(again?.id, notice?.id)
  panel.balance = '100'
})

test('changed settings hold within a second, and a paused upstream is handed no orders', async () => {
  const upstream = await connect()
  await until(async () => drivers.has(upstream.name))
  const request = {
    orderId: 1n,
    serviceId: 1n,
    type: 'Default',
    upstreamService: '1',
    quantity: 10n,
    link: 'https://shop.example',
    params: null,
  } as const
  panel.services = [offer(1)]
  const hand = async () => (await drivers.get(upstream.name)?.submit([request]))?.get(1n)?.kind
  assert.equal(await hand(), 'accepted')
  await admin.ask('PATCH', `/admin/v1/upstreams/${upstream.id}`, {
    state: 'paused',
    when_failing: 'refund',
    refund_after_minutes: 5,
  })
  await until(async () => drivers.policyOf(upstream.name)?.whenFailing === 'refund')
  assert.deepEqual(drivers.policyOf(upstream.name), {
    whenFailing: 'refund',
    refundAfterMinutes: 5,
  })
  assert.equal(await hand(), 'later')
})
