import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertError, assertWire } from '../../kit/answer.ts'
import { newTestService } from '../../kit/new-service.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  type Customer,
  footprint,
  monthlyName,
  newCustomer,
  orderNumber,
  orderRow,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const LINK = 'https://shop.example/item'

const dripped = await newTestService(purser, { can_dripfeed: true })
const plain = await newTestService(purser)
const poll = await newTestService(purser, { type: 'Poll', can_dripfeed: true })
const listed = await newTestService(purser, { type: 'Custom Comments', can_dripfeed: true })
const series = await newTestService(purser, { type: 'Custom Comments Package' })
const fixed = await newTestService(purser, {
  type: 'Custom Comments Package',
  package_quantity: 25,
})

const DRIP = { action: 'add', service: dripped, link: LINK, quantity: 100, runs: 5, interval: 60 }
const FOLLOWED = {
  action: 'add',
  service: series,
  username: 'mychannel',
  min: 10,
  max: 20,
  delay: 30,
}

/** Refused with 400 and an error that says `says`; nothing is left behind. */
async function assertRefused(customer: Customer, fields: Fields, says: RegExp): Promise<void> {
  const before = await footprint(purser, customer.id)
  assertError(await customer.panel(fields), 400, says)
  assertWire(await customer.panelbon(fields), 400, '{"error":"Invalid parameters"}')
  assert.deepEqual(await footprint(purser, customer.id), before)
}

test('add: a drip-feed is charged for quantity × runs', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  const answer = await customer.panel(DRIP)
  const number = orderNumber(answer)
  assertWire(answer, 200, `{"order":${number}}`)
  const row = await orderRow(purser, number)
  assert.equal(row.quantity, 500n)
  assert.deepEqual(row.params, { runs: '5', interval: '60' })
  assert.deepEqual(await transfersOf(purser, number), ['order wallet>revenue 500000'])
  assertWire(
    await customer.panel({ action: 'status', order: String(number) }),
    200,
    /^\{"charge":"0\.50000","start_count":"\d+","status":"(?:Pending|In progress)","remains":"\d+","currency":"USD"\}$/,
  )
  // What is left pays for one run and not for five.
  assertWire(await customer.panel(DRIP), 200, /^\{"order":\d+\}$/)
  assertWire(await customer.panel(DRIP), 402, '{"error":"Not enough funds on balance"}')
})

test("add: a drip-feed in PanelBon takes the key's discount off the whole", async () => {
  const customer = await newCustomer(purser, { credit: '1.00', terms: { discount_percent: 10 } })
  const answer = await customer.panelbon(DRIP)
  const number = orderNumber(answer)
  const order = await monthlyName(purser, number)
  assertWire(
    answer,
    200,
    `{"order":"${order}","original_price":"0.50","discount":"0.05","final_price":"0.45"}`,
  )
  assert.deepEqual(await transfersOf(purser, number), ['order wallet>revenue 450000'])
})

test('add: other types that are asked for with a quantity take runs, too', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  const number = orderNumber(
    await customer.panel({ ...DRIP, service: poll, runs: 2, answer_number: 3 }),
  )
  const row = await orderRow(purser, number)
  assert.equal(row.quantity, 200n)
  assert.deepEqual(row.params, { answer_number: '3', runs: '2', interval: '60' })
})

test('add: one run is a plain order', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  const number = orderNumber(await customer.panel({ ...DRIP, runs: 1 }))
  const row = await orderRow(purser, number)
  assert.equal(row.quantity, 100n)
  assert.equal(row.params, null)
})

test('add: what is wrong with a drip-feed', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  const { runs: _runs, ...noRuns } = DRIP
  const { interval: _interval, ...noInterval } = DRIP
  await assertRefused(customer, noRuns, /runs is required/)
  await assertRefused(customer, noInterval, /interval is required/)
  for (const runs of ['0', '-1', '1.5', '1001', 'many', '1e1']) {
    await assertRefused(customer, { ...DRIP, runs }, /runs must be/)
  }
  for (const interval of ['0', '-1', '0.5', '43201', 'hourly']) {
    await assertRefused(customer, { ...DRIP, interval }, /interval must be/)
  }
  await assertRefused(customer, { ...DRIP, quantity: 9 }, /quantity must be between 10 and 10000/)
  await assertRefused(customer, { ...DRIP, quantity: 10_001 }, /quantity must be between/)
  await assertRefused(customer, { ...DRIP, service: plain }, /this service has no drip-feed/)
  await assertRefused(
    customer,
    { ...DRIP, service: listed, comments: 'so\n'.repeat(10) },
    /this type of service has no drip-feed/,
  )
})

test('add: a package of comments by username is charged for posts × max', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  const answer = await customer.panel({ ...FOLLOWED, posts: 4, old_posts: 2, expiry: '2999-12-31' })
  const number = orderNumber(answer)
  assertWire(answer, 200, `{"order":${number}}`)
  const row = await orderRow(purser, number)
  assert.equal(row.quantity, 80n)
  assert.equal(row.link, 'mychannel')
  assert.deepEqual(row.params, {
    username: 'mychannel',
    min: '10',
    max: '20',
    delay: '30',
    posts: '4',
    old_posts: '2',
    expiry: '2999-12-31',
  })
  assert.deepEqual(await transfersOf(purser, number), ['order wallet>revenue 80000'])
  // One post unless said otherwise, in either panel.
  const bon = orderNumber(await customer.panelbon(FOLLOWED))
  assert.equal((await orderRow(purser, bon)).quantity, 20n)
})

test('add: a package of comments by link delivers its lines, or what the service fixes', async () => {
  const customer = await newCustomer(purser, { credit: '1.00' })
  const comments = 'so\n'.repeat(12)
  const add = { action: 'add', link: LINK, comments }
  const counted = orderNumber(await customer.panel({ ...add, service: series }))
  assert.equal((await orderRow(purser, counted)).quantity, 12n)
  const whole = orderNumber(await customer.panel({ ...add, service: fixed }))
  assert.equal((await orderRow(purser, whole)).quantity, 25n)
  assert.deepEqual(await transfersOf(purser, whole), ['order wallet>revenue 25000'])
})

test('add: what is wrong with a package of comments', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  for (const name of ['username', 'min', 'max', 'delay'] as const) {
    const { [name]: _, ...rest } = FOLLOWED
    await assertRefused(customer, rest, new RegExp(`${name} is required`))
  }
  const both = /send username, min, max and delay, or link and comments, not both/
  await assertRefused(customer, { ...FOLLOWED, link: LINK, comments: 'so' }, both)
  await assertRefused(customer, { ...FOLLOWED, link: LINK }, both)
  await assertRefused(customer, { action: 'add', service: series }, /username is required/)
  await assertRefused(customer, { ...FOLLOWED, min: 9 }, /min must be between 10 and 10000/)
  await assertRefused(customer, { ...FOLLOWED, max: 10_001 }, /max must be between/)
  await assertRefused(customer, { ...FOLLOWED, max: 10, min: 11 }, /max must not be less than min/)
  await assertRefused(customer, { ...FOLLOWED, delay: -1 }, /delay must be a whole number/)
  await assertRefused(customer, { ...FOLLOWED, posts: 0 }, /posts must be between/)
  await assertRefused(customer, { ...FOLLOWED, old_posts: 'all' }, /old_posts must be a whole/)
  await assertRefused(customer, { ...FOLLOWED, expiry: '2026-02-30' }, /expiry must be a day/)
  await assertRefused(customer, { ...FOLLOWED, expiry: '2020-01-01' }, /expiry is over/)
  await assertRefused(customer, { ...FOLLOWED, runs: 2, interval: 5 }, /no drip-feed/)
})

test('the books balance', () => assertBooksBalance(purser))
