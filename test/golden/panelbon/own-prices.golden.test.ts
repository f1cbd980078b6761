/** Prices of an account: its own rates, its group's discount, the least charge; in both panels. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertRefused } from '../../kit/customer-api.ts'
import { changed, created } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { type Customer, newCustomer, orderNumber, transfersOf } from '../../kit/shop.ts'
import { newTestService } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const service = await newTestService(purser, '1.00')
const other = await newTestService(purser, '3.00')
const LINK = 'https://shop.example'

let groups = 0

function newGroup(percent: number): Promise<{ id: string }> {
  const name = `Group ${++groups}`
  return created(purser, '/discount-groups', { name, discount_percent: percent })
}

async function putInto(customer: Customer, group: { id: string } | null): Promise<void> {
  const body = { discount_group_id: group?.id ?? null }
  await changed(purser, `PUT /accounts/${customer.id}/discount-group`, body)
}

/** What both panels show of a service: the panel its rate, PanelBon all three fields. */
async function shownOf(customer: Customer, of = service): Promise<unknown[]> {
  const [panel, panelbon] = await Promise.all(
    (['panel', 'panelbon'] as const).map(async (name) => {
      const { json } = await customer[name]({ action: 'services' })
      const list = json as Record<string, unknown>[]
      return list.find((each) => String(each.service) === of)
    }),
  )
  const { rate, original_rate, discount_percent } = panelbon ?? {}
  return [panel?.rate, rate, original_rate, discount_percent]
}

/** What PanelBon answers to an order, without its name; the transfer is of the final price. */
async function boughtBy(customer: Customer, quantity: number, of = service): Promise<unknown[]> {
  const answer = await customer.panelbon({ action: 'add', service: of, link: LINK, quantity })
  const { original_price, discount, final_price } = answer.json as Record<string, string>
  const [transfer] = await transfersOf(purser, orderNumber(answer))
  const [whole = '', fraction = ''] = (final_price ?? '').split('.')
  assert.equal(transfer, `order wallet>revenue ${BigInt(whole + fraction.padEnd(6, '0'))}`)
  return [original_price, discount, final_price]
}

test("a group's discount is in the original rate, the key's comes off it", async () => {
  const customer = await newCustomer(purser, {
    credit: '100.00',
    terms: { discount_percent: 10 },
  })
  assert.deepEqual(await shownOf(customer), ['0.90', '0.90', '1.00', 10])
  const group = await newGroup(12.5)
  await putInto(customer, group)
  assert.deepEqual(await shownOf(customer), ['0.7875', '0.7875', '0.875', 10])
  assert.deepEqual(await boughtBy(customer, 1000), ['0.875', '0.0875', '0.7875'])
  assert.deepEqual(await boughtBy(customer, 1), ['0.000875', '0.000087', '0.000788'])
  await changed(purser, `PATCH /discount-groups/${group.id}`, { discount_percent: 50 })
  assert.deepEqual(await shownOf(customer), ['0.45', '0.45', '0.50', 10])
  await putInto(customer, null)
  assert.deepEqual(await shownOf(customer), ['0.90', '0.90', '1.00', 10])
})

test("an account's own rate stands instead of the service's and the group's discount", async () => {
  const customer = await newCustomer(purser, {
    credit: '100.00',
    terms: { discount_percent: 10 },
  })
  const neighbour = await newCustomer(purser, { credit: '100.00' })
  await putInto(customer, await newGroup(50))
  const path = `/accounts/${customer.id}/rates/${service}`
  await changed(purser, `PUT ${path}`, { rate: '0.70' })
  assert.deepEqual(await shownOf(customer), ['0.63', '0.63', '0.70', 10])
  assert.deepEqual(await shownOf(customer, other), ['1.35', '1.35', '1.50', 10])
  assert.deepEqual(await boughtBy(customer, 1000), ['0.70', '0.07', '0.63'])
  assert.deepEqual(await shownOf(neighbour), ['1', '1.00', '1.00', 0])
  assert.deepEqual(await boughtBy(neighbour, 1000), ['1.00', '0.00', '1.00'])
  const listed = await purser.admin('GET', `/accounts/${customer.id}/rates`)
  assert.deepEqual(listed.json, {
    data: [{ account_id: String(customer.id), service_id: service, currency: 'USD', rate: '0.70' }],
    hasMore: false,
    nextCursor: null,
  })
  assert.equal((await purser.admin('DELETE', path)).status, 204)
  assert.deepEqual(await shownOf(customer), ['0.45', '0.45', '0.50', 10])
  assertRefused(await purser.admin('DELETE', path), 404, 'not_found')
})

test('the least charge is taken for small orders, less the discount of the key', async () => {
  const customer = await newCustomer(purser, {
    credit: '100.00',
    terms: { discount_percent: 10 },
  })
  const small = await newTestService(purser, '1.00')
  const path = `/services/${small}/prices/USD`
  await changed(purser, `PUT ${path}`, { rate: '1.00', min_charge: '0.05' })
  assert.deepEqual(await boughtBy(customer, 1, small), ['0.05', '0.005', '0.045'])
  assert.deepEqual(await boughtBy(customer, 50, small), ['0.05', '0.005', '0.045'])
  assert.deepEqual(await boughtBy(customer, 100, small), ['0.10', '0.01', '0.09'])
  assert.deepEqual(await shownOf(customer, small), ['0.90', '0.90', '1.00', 10])
  // A new rate alone leaves it as it is.
  await changed(purser, `PUT ${path}`, { rate: '2.00' })
  const { json } = await purser.admin('GET', `/services/${small}`)
  const { prices } = json as { prices: unknown[] }
  assert.deepEqual(prices, [{ currency: 'USD', rate: '2.00', min_charge: '0.05' }])
  await changed(purser, `PUT ${path}`, { rate: '2.00', min_charge: '0' })
  assert.deepEqual(await boughtBy(customer, 1, small), ['0.002', '0.0002', '0.0018'])
})

test('of a whole discount an order is free, and a group of 100 % makes it so', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  await putInto(customer, await newGroup(100))
  assert.deepEqual(await shownOf(customer), ['0', '0.00', '0.00', 0])
  const answer = await customer.panelbon({ action: 'add', service, link: LINK, quantity: 1000 })
  const { original_price, discount, final_price } = answer.json as Record<string, string>
  assert.deepEqual([original_price, discount, final_price], ['0.00', '0.00', '0.00'])
  assert.deepEqual(await transfersOf(purser, orderNumber(answer)), [])
})

test('an order at the price of the moment keeps it when prices change', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  const path = `/accounts/${customer.id}/rates/${service}`
  await changed(purser, `PUT ${path}`, { rate: '0.50' })
  const headers = { 'idempotency-key': `kept-${customer.id}` }
  const order = { action: 'add', service, link: LINK, quantity: 1000 }
  const first = await customer.panelbon(order, headers)
  await changed(purser, `PUT ${path}`, { rate: '0.90' })
  assert.equal((await customer.panelbon(order, headers)).text, first.text)
  assert.deepEqual(await boughtBy(customer, 1000), ['0.90', '0.00', '0.90'])
})

test('what cannot be a price is refused, and changes nothing', async () => {
  const customer = await newCustomer(purser, { credit: '1.00', currency: 'EUR' })
  const dollars = await newCustomer(purser, { credit: '1.00' })
  const rates = `/accounts/${dollars.id}/rates`
  const cases: readonly (readonly [how: string, body: object, status: number, code: string])[] = [
    [`PUT /accounts/${customer.id}/rates/${service}`, { rate: '1.00' }, 409, 'invalid_state'],
    [`PUT ${rates}/${service}`, { rate: '0' }, 400, 'invalid_request'],
    [`PUT ${rates}/${service}`, { rate: '-1' }, 400, 'invalid_request'],
    [`PUT ${rates}/${service}`, { rate: '9000000000000' }, 400, 'invalid_request'],
    [`PUT ${rates}/2000000000`, { rate: '1.00' }, 404, 'not_found'],
    [`PUT /accounts/999999/rates/${service}`, { rate: '1.00' }, 404, 'not_found'],
    [
      `PUT /accounts/${dollars.id}/discount-group`,
      { discount_group_id: '999999' },
      400,
      'invalid_request',
    ],
    ['POST /discount-groups', { name: 'x', discount_percent: 101 }, 400, 'invalid_request'],
    ['POST /discount-groups', { name: '', discount_percent: 1 }, 400, 'invalid_request'],
    ['PATCH /discount-groups/999999', { name: 'y' }, 404, 'not_found'],
    ['DELETE /discount-groups/999999', {}, 404, 'not_found'],
    [
      `PUT /services/${service}/prices/USD`,
      { rate: '1.00', min_charge: '-1' },
      400,
      'invalid_request',
    ],
  ]
  for (const [how, body, status, code] of cases) {
    const [method = '', path = ''] = how.split(' ')
    assertRefused(await purser.admin(method, path, body), status, code)
  }
  assert.deepEqual(await shownOf(dollars), ['1', '1.00', '1.00', 0])
})

test('a group has a name of its own, and goes once no account is in it', async () => {
  const customer = await newCustomer(purser, {})
  const group = await newGroup(10)
  const { json } = await purser.admin('GET', `/discount-groups/${group.id}`)
  const { name } = json as { name: string }
  const taken = await purser.admin('POST', '/discount-groups', { name, discount_percent: 1 })
  assertRefused(taken, 409, 'conflict')
  await putInto(customer, group)
  const account = await purser.admin('GET', `/accounts/${customer.id}`)
  assert.equal((account.json as { discount_group_id: string }).discount_group_id, group.id)
  const path = `/discount-groups/${group.id}`
  assertRefused(await purser.admin('DELETE', path), 409, 'invalid_state')
  await putInto(customer, null)
  assert.equal((await purser.admin('DELETE', path)).status, 204)
})

test('own rates do not outlive the currency that they are in', async () => {
  const customer = await newCustomer(purser, {})
  await changed(purser, `PUT /accounts/${customer.id}/rates/${service}`, { rate: '0.01' })
  await changed(purser, `PATCH /accounts/${customer.id}`, { currency: 'EUR' })
  const { json } = await purser.admin('GET', `/accounts/${customer.id}/rates`)
  assert.deepEqual((json as { data: unknown[] }).data, [])
  await changed(purser, `PATCH /accounts/${customer.id}`, { currency: 'USD' })
  assert.deepEqual(await shownOf(customer), ['1', '1.00', '1.00', 0])
})

test('the books balance', () => assertBooksBalance(purser))
