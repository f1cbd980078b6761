import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { startTestPurser } from '../../kit/purser.ts'
import { discountedRate, newCustomer, place, shortAmount } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

/** The list as the source page prints it, for a key with `percent` off. */
async function listText(currency: string, percent: number): Promise<string> {
  const { rows } = await purser.pool.query<{
    id: bigint
    name: string
    type: string
    category: string
    rate: bigint
    min_quantity: bigint
    max_quantity: bigint
    can_refill: boolean
    can_cancel: boolean
  }>(
    `select s.*, p.rate, c.name as category
     from service s
     join service_category c on c.id = s.category_id
     join service_price p on p.service_id = s.id and p.currency = $1
     where s.state = 'active'
     order by c.position, c.id, s.position, s.id`,
    [currency],
  )
  return JSON.stringify(
    rows.map((row) => ({
      service: Number(row.id),
      name: row.name,
      type: row.type,
      category: row.category,
      rate: discountedRate(row.rate, percent),
      original_rate: shortAmount(row.rate),
      discount_percent: percent,
      min: String(row.min_quantity),
      max: String(row.max_quantity),
      refill: row.can_refill,
      cancel: row.can_cancel,
    })),
  )
}

test('balance: two decimals, more when needed', async () => {
  assertWire(
    await purser.panelbon({ action: 'balance' }),
    200,
    '{"balance":"100.84292","currency":"USD"}',
  )
  const customer = await newCustomer(purser, { credit: '100.50', terms: { discount_percent: 5 } })
  assertWire(
    await customer.panelbon({ action: 'balance' }),
    200,
    '{"balance":"100.50","currency":"USD"}',
  )
  await place(customer, { service: 1, quantity: 51 })
  assertWire(
    await customer.panelbon({ action: 'balance' }),
    200,
    '{"balance":"100.456395","currency":"USD"}',
  )
})

test('services: the whole list, byte for byte, without a discount', async () => {
  const answer = await purser.panelbon({ action: 'services' })
  assertWire(answer, 200, await listText('USD', 0))
  const [first] = answer.json as Record<string, unknown>[]
  const { service, type, rate, original_rate, discount_percent, min, max } = first!
  assert.deepEqual(
    { service, type, rate, original_rate, discount_percent, min, max },
    {
      service: 1,
      type: 'Default',
      rate: '0.90',
      original_rate: '0.90',
      discount_percent: 0,
      min: '50',
      max: '10000',
    },
  )
})

test("services: the key's discount", async () => {
  const key = purser.demo.customers[0]!.keys.discount10
  const answer = await purser.panelbon({ action: 'services' }, { key })
  assertWire(answer, 200, await listText('USD', 10))
  const [first] = answer.json as Record<string, unknown>[]
  const { rate, original_rate, discount_percent } = first!
  assert.deepEqual(
    { rate, original_rate, discount_percent },
    { rate: '0.81', original_rate: '0.90', discount_percent: 10 },
  )
})

test('services: a discount with decimals; the rate is exact', async () => {
  const customer = await newCustomer(purser, { terms: { discount_percent: 2.5 } })
  const answer = await customer.panelbon({ action: 'services' })
  assertWire(answer, 200, await listText('USD', 2.5))
  const [first] = answer.json as Record<string, unknown>[]
  assert.equal(first?.rate, '0.8775')
  assert.equal(first?.discount_percent, 2.5)
})

test('services: only what is sold in the currency of the account', async () => {
  const { keys } = purser.demo.customers[1]!
  assertWire(
    await purser.panelbon({ action: 'services' }, { key: keys.full }),
    200,
    await listText('SEK', 0),
  )
})
