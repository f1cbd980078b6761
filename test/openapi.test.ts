/**
 * The committed documents are what the code describes, and Purser answers what they say: every
 * request example of the panels' source pages is sent, and what comes back is validated.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from './kit/answer.ts'
import { describedDocuments } from './kit/described-documents.ts'
import { assertDocumented, at, committed, schemaAt, schemaErrors } from './kit/documented.ts'
import { keepInProgress } from './kit/held-delivery.ts'
import { changed, created } from './kit/operator.ts'
import { type Fields, startTestPurser, type TestPurser } from './kit/purser.ts'
import { allowRefills, deliveredOrders } from './kit/refill-scene.ts'
import {
  type Customer,
  injectFault,
  monthlyName,
  newCustomer,
  place,
  servicesByType,
} from './kit/shop.ts'
import { startUpstreamPanel } from './kit/upstream-panel.ts'

let purser: TestPurser
let customer: Customer
before(async () => {
  purser = await startTestPurser()
  customer = await newCustomer(purser, { credit: '1000.00', terms: { discount_percent: 10 } })
})
after(() => purser.stop())

const PANELS = [
  { name: 'panel', place: 'post /api/v2' },
  { name: 'panelbon', place: 'post /app/api/v2' },
] as const

test('the committed documents are what `npm run openapi` writes', async () => {
  const described = await describedDocuments()
  assert.deepEqual([...committed.keys()].sort(), [...described.keys()].sort())
  for (const [name, document] of described) {
    assert.deepEqual(committed.get(name), JSON.parse(JSON.stringify(document)), name)
  }
})

test('Purser serves them', async () => {
  for (const [name, document] of committed) {
    const response = await fetch(`${purser.url}/openapi/${name}.json`)
    assert.equal(response.status, 200, name)
    assert.deepEqual(await response.json(), document)
  }
})

test('every reference leads somewhere, operations have names of their own, paths their fields', () => {
  for (const [name, document] of committed) {
    for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const keys = (reference ?? '').split('/')
      assert.ok(at(document, keys) !== undefined, `${name}: #/${reference}`)
    }
    const ids: string[] = []
    for (const [path, item] of Object.entries(document.paths)) {
      for (const operation of Object.values(item)) {
        ids.push(operation.operationId)
        const named = (operation.parameters ?? []).filter((one) => one.in === 'path')
        assert.deepEqual(
          named.map((one) => one.name),
          [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
        )
      }
    }
    assert.equal(new Set(ids).size, ids.length, name)
  }
})

test("the examples in the form APIs' documents follow their schemas", () => {
  const forms = [
    ...PANELS.map((panel) => ({ ...panel, refused: '400' })),
    { name: 'crownpanel', place: 'post /', refused: '429' },
  ]
  for (const { name, place, refused } of forms) {
    const [method = '', path = ''] = place.split(' ')
    const keys = ['paths', path, method]
    const form = 'application/x-www-form-urlencoded'
    const contents = [
      [...keys, 'requestBody', 'content', form],
      [...keys, 'responses', '200', 'content', 'application/json'],
      [...keys, 'responses', refused, 'content', 'application/json'],
    ]
    for (const content of contents) {
      const validate = schemaAt(name, [...content, 'schema'])
      const examples = at(committed.get(name), [...content, 'examples'])
      for (const [key, { value }] of Object.entries(
        examples as Record<string, { value: unknown }>,
      )) {
        // What a form sends is text: an order's number is written as one.
        const sent = content.includes(form) ? asForm(value as Fields) : value
        assert.ok(validate(sent), `${name} ${key}: ${schemaErrors(validate)}`)
      }
    }
  }
})

/** Ids are text in the schema, whichever way the example is written. */
function asForm(fields: Fields): Fields {
  return 'order' in fields ? { ...fields, order: String(fields.order) } : fields
}

/** The requests of both source pages, with placeholders replaced by the demo's values. */
async function sourceRequests(): Promise<Fields[]> {
  const link = 'https://shop.example/page'
  const types = await servicesByType(purser)
  const add = (type: string, fields: Fields): Fields => {
    const { service } = types.get(type) ?? assert.fail(`no service of type ${type}`)
    return { action: 'add', service, link, ...fields }
  }
  const least = (type: string) => Number(types.get(type)?.min)
  const first = await place(customer, add('Default', { quantity: 100 }))
  const name = await monthlyName(purser, first)
  return [
    { action: 'balance' },
    { action: 'services' },
    add('Default', { quantity: 1000 }),
    add('SEO', { keywords: 'tea,green tea', quantity: least('SEO') }),
    add('Custom Comments', {
      comments: Array(least('Custom Comments')).fill('Well made').join('\n'),
    }),
    add('Poll', { quantity: least('Poll'), answer_number: 2 }),
    add('Invites from Groups', { groups: 'one\ntwo', quantity: least('Invites from Groups') }),
    add('Package', {}),
    { action: 'status', order: String(first) },
    { action: 'status', order: name },
    { action: 'multiStatus', orders: `${first},2000000000,x` },
    { action: 'status', orders: `${name},CR-202411-0001` },
    { action: 'refill', orders: `${first},2000000000,x` },
    { action: 'refill_status', refills: '1,2000000000,x' },
    { action: 'cancel', orders: `${first},2000000000,x` },
    { action: 'cancel', orders: name },
  ]
}

test('both panels answer every request of their pages as documented', async () => {
  for (const fields of await sourceRequests()) {
    for (const { name, place } of PANELS) {
      const answer = await customer[name](fields)
      assert.equal(answer.status, 200, `${JSON.stringify(fields)}: ${answer.text}`)
      assertDocumented(name, place, answer)
    }
  }
})

test('refills come as documented', async () => {
  await allowRefills(purser)
  for (const { name, place } of PANELS) {
    const [one, other] = await deliveredOrders(purser, customer, 2)
    const refilled = await customer[name]({ action: 'refill', order: String(one) })
    assertDocumented(name, place, refilled)
    const { refill } = refilled.json as { refill: string }
    for (const fields of [
      { action: 'refill', orders: `${other}` },
      { action: 'refill_status', refill },
      { action: 'refill_status', refills: refill },
    ]) {
      const answer = await customer[name](fields)
      assert.equal(answer.status, 200, answer.text)
      assertDocumented(name, place, answer)
    }
  }
})

test('every error of the panels comes as documented', async () => {
  const poor = await newCustomer(purser, { credit: '0.01' })
  const reader = await customer.addKey({ scopes: ['read:support'] })
  const order = { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 }
  const key = { 'idempotency-key': 'documented' }
  await customer.panel({ ...order, quantity: 100 }, key)
  const types = await servicesByType(purser)
  for (const { name, place } of PANELS) {
    const seen = new Set<number>()
    const expect = async (answer: Promise<Answer>): Promise<void> => {
      const got = await answer
      assert.ok(got.status >= 400, got.text)
      seen.add(got.status)
      assertDocumented(name, place, got)
    }
    await expect(purser[name](order, { key: 'wrong' }))
    await expect(purser[name](order, { key: reader.key }))
    await expect(customer[name]({ action: 'nothing' }))
    await expect(customer[name]({ ...order, quantity: 1 }))
    await expect(customer[name]({ ...order, service: 2_000_000_000 }))
    await expect(customer[name]({ ...order, service: types.get('Subscriptions')!.service }))
    await expect(customer[name]({ ...order, runs: 2 }))
    await expect(poor[name](order))
    await expect(customer[name]({ action: 'status', order: '2000000000' }))
    await expect(customer[name](order, key))
    await expect(providerFailure(name))
    const short = name === 'panel' ? [402] : []
    assert.deepEqual([...seen].sort(), [400, 401, ...short, 403, 404, 409, 502].sort())
  }
})

/** A cancel of an order that its provider works on, while the provider fails. */
async function providerFailure(name: 'panel' | 'panelbon'): Promise<Answer> {
  const id = await place(customer, { service: 1, quantity: 10_000 })
  await keepInProgress(purser, id)
  await injectFault(purser, { operation: 'cancel', fault: 'error', times: 1 })
  return await customer[name]({ action: 'cancel', orders: String(id) })
}

test('legacy errors come with 200, as documented', async () => {
  const { key } = await customer.addKey({ legacy_errors: true })
  for (const { name, place } of PANELS) {
    const answer = await purser[name]({ action: 'status', order: '2000000000' }, { key })
    assert.equal(answer.status, 200)
    assertDocumented(name, place, answer)
  }
})

test('429 comes as documented', async () => {
  const limited = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '1' } })
  try {
    for (const { name, place } of PANELS) {
      let answer = await limited[name]({ action: 'balance' })
      // A new minute may begin between two requests.
      for (let tries = 0; answer.status !== 429 && tries < 5; tries++) {
        answer = await limited[name]({ action: 'balance' })
      }
      assert.equal(answer.status, 429)
      assertDocumented(name, place, answer)
    }
  } finally {
    await limited.stop()
  }
})

/** An upstream with less money than it should have, and the notice that says so. */
async function poorUpstream(): Promise<{ upstream: string; notice: string }> {
  const panel = await startUpstreamPanel()
  const terms = { name: 'poor-panel', url: panel.url, api_key: panel.key, balance_alert: '1000' }
  const { id: upstream } = await created(purser, '/upstreams', terms)
  for (;;) {
    const { json } = await purser.admin('GET', '/notices?kind=upstream.balance_low')
    const [notice] = (json as { data: { id: string }[] }).data
    if (notice !== undefined) {
      await panel.close()
      return { upstream, notice: notice.id }
    }
    await pause(50)
  }
}

test('every list and page of the operator API is as documented', async () => {
  const admin = committed.get('admin')
  assert.ok(admin)
  const { id } = customer
  const order = await place(customer, { service: 1, quantity: 100 })
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242' }
  assert.equal((await purser.admin('POST', `/accounts/${id}/card`, card)).status, 201)
  const group = await created(purser, '/discount-groups', { name: 'Ours', discount_percent: 5 })
  await changed(purser, `PUT /accounts/${id}/rates/1`, { rate: '0.80' })
  await allowRefills(purser)
  const [delivered] = await deliveredOrders(purser, customer, 1)
  const refill = await created(purser, `/orders/${delivered}/refill`, {})
  const { upstream, notice } = await poorUpstream()
  const { id: endpoint } = await created(purser, `/accounts/${id}/webhook-endpoints`, {
    url: 'https://shop.example/hook',
  })
  const [server] = purser.demo.servers
  const ids: Readonly<Record<string, string>> = {
    '/admin/v1/accounts/{id}': String(id),
    '/admin/v1/accounts/{id}/users': String(id),
    '/admin/v1/accounts/{id}/api-keys': String(id),
    '/admin/v1/accounts/{id}/transactions': String(id),
    '/admin/v1/accounts/{id}/rates': String(id),
    '/admin/v1/discount-groups/{id}': group.id,
    '/admin/v1/operators/{id}/api-keys': '1',
    '/admin/v1/services/{id}': '1',
    '/admin/v1/orders/{id}': String(order),
    '/admin/v1/refills/{id}': refill.id,
    '/admin/v1/orders/{id}/parts': String(order),
    '/admin/v1/upstreams/{id}': upstream,
    '/admin/v1/upstreams/{id}/services': upstream,
    '/admin/v1/notices/{id}': notice,
    '/admin/v1/webhook-endpoints/{id}': endpoint,
    '/admin/v1/webhook-endpoints/{id}/secret': endpoint,
    '/admin/v1/webhook-endpoints/{id}/messages': endpoint,
    '/admin/v1/accounts/{id}/card': String(id),
    '/admin/v1/plans/{id}': '1',
    '/admin/v1/addons/{id}': '1',
    '/admin/v1/promo-codes/{id}': '1',
    '/admin/v1/tax-profiles/{id}': '1',
    '/admin/v1/servers/{id}': server?.public_id ?? '',
    '/admin/v1/subscriptions/{id}': '1',
    '/admin/v1/purchases/{id}': '10001',
    '/admin/v1/invoices/{id}': server?.unpaid_invoice_id ?? '',
  }
  for (const [path, item] of Object.entries(admin.paths)) {
    if (item.get === undefined) continue
    assert.ok(!path.includes('{') || ids[path], `${path}: name an object for it`)
    const asked = path.replace('/admin/v1', '').replace('{id}', ids[path] ?? '')
    const answer = await purser.admin('GET', asked)
    if (path !== '/admin/v1/test-clock') assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    assertDocumented('admin', `get ${path}`, answer)
    assertDocumented(
      'admin',
      `get ${path}`,
      await purser.admin('GET', asked, undefined, { key: null }),
    )
  }
})
