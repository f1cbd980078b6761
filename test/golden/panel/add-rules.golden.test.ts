import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { newTestService } from '../../kit/new-service.ts'
import { changed } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import {
  footprint,
  injectFault,
  newCustomer,
  orderNumber,
  orderRow,
  reach,
  setOrder,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const ACTIVE =
  '{"error":"You have active order with this link. Please wait until order being completed."}'
const INVALID = '{"error":"Invalid parameters"}'
const add = (service: string, o: { link?: string; quantity?: number } = {}) => ({
  action: 'add',
  service,
  link: o.link ?? 'https://shop.example/item',
  quantity: o.quantity ?? 100,
})

test('add: a quantity is a multiple of the step', async () => {
  const service = await newTestService(purser, { min_quantity: 50, quantity_step: 25 })
  const customer = await newCustomer(purser, { credit: '1.00' })
  assertWire(await customer.panel(add(service, { quantity: 75 })), 200, /^\{"order":\d+\}$/)
  const wrong = add(service, { quantity: 60 })
  assertWire(await customer.panel(wrong), 400, '{"error":"quantity must be a multiple of 25"}')
  assertWire(await customer.panelbon(wrong), 400, INVALID)
})

test('add: a link is one that the service takes', async () => {
  const service = await newTestService(purser, { link_pattern: '^https://shop\\.example/' })
  const customer = await newCustomer(purser, { credit: '1.00' })
  assertWire(await customer.panel(add(service)), 200, /^\{"order":\d+\}$/)
  const before = await footprint(purser, customer.id)
  for (const link of ['https://shopxexample/item', 'x https://shop.example/', '@mychannel']) {
    const wrong = add(service, { link })
    assertWire(
      await customer.panel(wrong),
      400,
      '{"error":"link is not one that this service takes"}',
    )
    assertWire(await customer.panelbon(wrong), 400, INVALID)
  }
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('add: one order at a time for a link, where the service says so', async () => {
  const service = await newTestService(purser, { one_active_per_link: true })
  const other = await newTestService(purser, { one_active_per_link: true })
  const [customer, stranger] = [
    await newCustomer(purser, { credit: '1.00' }),
    await newCustomer(purser, { credit: '1.00' }),
  ]
  const first = orderNumber(await customer.panel(add(service)))
  const before = await footprint(purser, customer.id)
  assertWire(await customer.panel(add(service)), 400, ACTIVE)
  assertWire(await customer.panelbon(add(service)), 400, ACTIVE)
  const same = add(service, { link: ' HTTPS://Shop.Example/item ' })
  assertWire(await customer.panel(same), 400, ACTIVE)
  assert.deepEqual(await footprint(purser, customer.id), before)
  const legacy = await customer.addKey({ legacy_errors: true })
  assertWire(await purser.panel(add(service), { key: legacy.key }), 200, ACTIVE)

  // Another link, another service and another account are none of its business.
  for (const [who, what] of [
    [customer, add(service, { link: 'https://shop.example/other' })],
    [customer, add(other)],
    [stranger, add(service)],
  ] as const) {
    assertWire(await who.panel(what), 200, /^\{"order":\d+\}$/)
  }
  await setOrder(purser, first, { status: 'Done' })
  assertWire(await customer.panel(add(service)), 200, /^\{"order":\d+\}$/)
})

test('add: of many at once for a link one is taken', async () => {
  const service = await newTestService(purser, { one_active_per_link: true })
  const customer = await newCustomer(purser, { credit: '1.00' })
  const answers = await Promise.all(Array.from({ length: 10 }, () => customer.panel(add(service))))
  const taken = answers.filter(({ status }) => status === 200)
  assert.equal(taken.length, 1)
  for (const answer of answers.filter((one) => !taken.includes(one))) {
    assertWire(answer, 400, ACTIVE)
  }
})

test('add: a repeat by its idempotency key is no second order for the link', async () => {
  const service = await newTestService(purser, { one_active_per_link: true })
  const customer = await newCustomer(purser, { credit: '1.00' })
  const named = { ...add(service), idempotency_key: 'one' }
  const first = await customer.panel(named)
  const again = await customer.panel(named)
  assertWire(again, 200, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
})

test('add: confirmed first, taken by the provider', async () => {
  const service = await newTestService(purser, { confirm_first: true })
  const customer = await newCustomer(purser, { credit: '1.00' })
  const number = orderNumber(await customer.panel(add(service)))
  const { rows } = await purser.pool.query(
    'select provider_ref is not null as taken from service_order where id = $1',
    [number],
  )
  assert.deepEqual(rows, [{ taken: true }])
})

test('add: confirmed first, refused by the provider: 502, all refunded, the key is free', async () => {
  const service = await newTestService(purser, { confirm_first: true })
  const customer = await newCustomer(purser, { credit: '1.00' })
  const named = { ...add(service), idempotency_key: 'mine' }
  for (const [ask, says] of [
    [customer.panel, 'The provider returned an error.'],
    [customer.panelbon, 'server error'],
  ] as const) {
    await injectFault(purser, { operation: 'submit', fault: 'refuse', times: 1 })
    assertWire(await ask(named), 502, JSON.stringify({ error: says }))
    assertWire(
      await customer.panel({ action: 'balance' }),
      200,
      '{"balance":"1.00000","currency":"USD"}',
    )
  }
  const answer = await customer.panel(named)
  const number = orderNumber(answer)
  assert.equal(answer.headers.get('idempotent-replayed'), null)
  assertWire(await customer.panel(named), 200, answer.text)
  assert.deepEqual(await transfersOf(purser, number), ['order wallet>revenue 100000'])
})

test('add: without confirmation an order that is refused fails later', async () => {
  const service = await newTestService(purser)
  const customer = await newCustomer(purser, { credit: '1.00' })
  await injectFault(purser, { operation: 'submit', fault: 'refuse', times: 1 })
  const number = orderNumber(await customer.panel(add(service)))
  await reach(purser, number, 'failed')
  assert.equal((await orderRow(purser, number)).refunded, 100_000n)
})

test('services: drip-feed is shown where `add` takes runs', async () => {
  const terms = { can_dripfeed: true, min_quantity: 1 }
  const counted = await newTestService(purser, terms)
  const lines = await newTestService(purser, { ...terms, type: 'Custom Comments' })
  const whole = await newTestService(purser, { ...terms, type: 'Package', package_quantity: 5 })
  const { json } = await purser.panel({ action: 'services' })
  const listed = new Map(
    (json as { service: string; dripfeed: boolean }[]).map((one) => [one.service, one.dripfeed]),
  )
  const shown = [counted, lines, whole].map((service) => listed.get(service))
  assert.deepEqual(shown, [true, false, false])
  const customer = await newCustomer(purser, { credit: '1.00' })
  const runs = { runs: 2, interval: 5 }
  assertWire(await customer.panel({ ...add(counted), ...runs }), 200, /^\{"order":\d+\}$/)
  for (const fields of [{ ...add(lines), comments: 'one' }, add(whole)]) {
    assertWire(
      await customer.panel({ ...fields, ...runs }),
      400,
      '{"error":"this type of service has no drip-feed: leave runs out"}',
    )
  }
})

test('services: the average time once orders have ended', async () => {
  const service = await newTestService(purser)
  const listed = async () => {
    const { json } = await purser.panel({ action: 'services' })
    return (json as { service: string }[]).find((one) => one.service === service)
  }
  const unknown = await listed()
  assert.equal(Object.keys(unknown ?? {}).at(-1), 'description')
  await purser.pool.query(
    `insert into service_pace (service_id, average_seconds, counted, computed_at)
     values ($1, 4320, 3, now())`,
    [service],
  )
  // The list is made anew with the catalogue.
  await changed(purser, `PATCH /services/${service}`, { position: 1 })
  assert.deepEqual(await listed(), { ...unknown, average_time: '1 hour 12 minutes' })
})

test('the books balance', () => assertBooksBalance(purser))
