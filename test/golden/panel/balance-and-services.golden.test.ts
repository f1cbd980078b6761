import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { discountedRate, newCustomer, place } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

interface ServiceRow {
  id: bigint
  name: string
  type: string
  rate: bigint
  min_quantity: bigint
  max_quantity: bigint
  category: string
  can_refill: boolean
  can_cancel: boolean
  can_dripfeed: boolean
  description: string
}

async function serviceRows(currency: string): Promise<ServiceRow[]> {
  const { rows } = await purser.pool.query<ServiceRow>(
    `select s.*, p.rate, c.name as category
     from service s
     join service_category c on c.id = s.category_id
     join service_price p on p.service_id = s.id and p.currency = $1
     where s.state = 'active'
     order by c.position, c.id, s.position, s.id`,
    [currency],
  )
  return rows
}

/** The source page prints rates as "0.90" and "8": whole ones plain, others with two decimals. */
function rateText(rateMicros: bigint, percent: number): string {
  return discountedRate(rateMicros, percent).replace(/\.00$/, '')
}

/** The list as the source page prints it, with the fields of the wider family after it. */
function listText(rows: readonly ServiceRow[], percent = 0): string {
  return JSON.stringify(
    rows.map((row) => ({
      service: String(row.id),
      name: row.name,
      type: row.type,
      rate: rateText(row.rate, percent),
      min: String(row.min_quantity),
      max: String(row.max_quantity),
      category: row.category,
      refill: row.can_refill,
      cancel: row.can_cancel,
      dripfeed: row.can_dripfeed,
      description: row.description,
    })),
  )
}

test('balance: the demo wallet, five decimals, a string', async () => {
  assertWire(
    await purser.panel({ action: 'balance' }),
    200,
    '{"balance":"100.84292","currency":"USD"}',
  )
})

test('balance: always five decimals, six when the sixth is not zero', async () => {
  const customer = await newCustomer(purser, { credit: '1.00', terms: { discount_percent: 5 } })
  assertWire(
    await customer.panel({ action: 'balance' }),
    200,
    '{"balance":"1.00000","currency":"USD"}',
  )
  // 51 at 0.90 less 5 % is 0.043605.
  await place(customer, { service: 1, quantity: 51 })
  assertWire(
    await customer.panel({ action: 'balance' }),
    200,
    '{"balance":"0.956395","currency":"USD"}',
  )
})

test('balance: an account that never held money has 0.00000', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK' })
  assertWire(
    await customer.panel({ action: 'balance' }),
    200,
    '{"balance":"0.00000","currency":"SEK"}',
  )
})

test('services: the whole list, byte for byte', async () => {
  const rows = await serviceRows('USD')
  assert.ok(rows.length >= 8)
  assertWire(await purser.panel({ action: 'services' }), 200, listText(rows))
})

test('services: the documented entry, type by type', async () => {
  const [first] = (await purser.panel({ action: 'services' })).json as Record<string, unknown>[]
  assert.ok(first)
  const { service, type, rate, min, max } = first
  assert.deepEqual(
    { service, type, rate, min, max },
    { service: '1', type: 'Default', rate: '0.90', min: '50', max: '10000' },
  )
  for (const [field, kind] of Object.entries({
    service: 'string',
    name: 'string',
    type: 'string',
    rate: 'string',
    min: 'string',
    max: 'string',
    category: 'string',
    refill: 'boolean',
    cancel: 'boolean',
    dripfeed: 'boolean',
    description: 'string',
  })) {
    assert.equal(typeof first[field], kind, field)
  }
})

test('services: every type of the source page is sold by the demo shop', async () => {
  const services = (await purser.panel({ action: 'services' })).json as {
    service: string
    type: string
  }[]
  for (const type of [
    'Default',
    'SEO',
    'Custom Comments',
    'Custom Comments Package',
    'Poll',
    'Subscriptions',
    'Invites from Groups',
    'Package',
  ]) {
    assert.ok(
      services.some((entry) => entry.type === type && entry.service === purser.demo.services[type]),
      type,
    )
  }
})

test("services: a key's discount is in the rate", async () => {
  const key = purser.demo.customers[0]!.keys.discount10
  const answer = await purser.panel({ action: 'services' }, { key })
  assertWire(answer, 200, listText(await serviceRows('USD'), 10))
  assert.equal((answer.json as { rate: string }[])[0]?.rate, '0.81')
})

test('services: only what is sold in the currency of the account', async () => {
  const customer = purser.demo.customers[1]!
  assert.equal(customer.currency, 'SEK')
  assertWire(
    await purser.panel({ action: 'services' }, { key: customer.keys.full }),
    200,
    listText(await serviceRows('SEK')),
  )
  const stranger = await newCustomer(purser, { currency: 'ISK', credit: '100.00' })
  assertWire(await stranger.panel({ action: 'services' }), 200, '[]')
  assertWire(
    await stranger.panel({ action: 'add', service: 1, link: 'https://shop.example', quantity: 50 }),
    404,
    '{"error":"Incorrect service ID"}',
  )
})

test('services: a paused service is neither listed nor sold', async () => {
  const id = purser.demo.services.Poll!
  const paused = await purser.admin('PATCH', `/services/${id}`, { state: 'paused' })
  assert.equal(paused.status, 200, paused.text)
  const listed = (await purser.panel({ action: 'services' })).json as { service: string }[]
  assert.ok(!listed.some((entry) => entry.service === id))
  assertWire(
    await purser.panel({
      action: 'add',
      service: id,
      link: 'https://shop.example',
      quantity: 100,
      answer_number: 1,
    }),
    404,
    '{"error":"Incorrect service ID"}',
  )
  const active = await purser.admin('PATCH', `/services/${id}`, { state: 'active' })
  assert.equal(active.status, 200, active.text)
  assertWire(await purser.panel({ action: 'services' }), 200, listText(await serviceRows('USD')))
})
