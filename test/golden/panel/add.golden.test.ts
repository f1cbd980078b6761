import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertError, assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  type Customer,
  chargeMicros,
  footprint,
  newCustomer,
  orderNumber,
  orderRow,
  panelAmount,
  type ServiceAnswer,
  servicesByType,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const services = await servicesByType(purser)
const LINK = 'https://shop.example/item?id=1&name=två'

function service(type: string): ServiceAnswer {
  const found = services.get(type)
  assert.ok(found, type)
  return found
}

/** `count` lines, with the separator given. */
function lines(count: number, separator: string): string {
  return Array.from({ length: count }, (_, at) => `line ${at + 1}`).join(separator)
}

interface Case {
  readonly type: string
  readonly name?: string
  /** The fields beside service and link, for the least quantity that the service takes. */
  fields(min: number): Fields
  readonly params: Record<string, unknown> | null | ((min: number) => Record<string, unknown>)
}

const numbered = (min: number): string[] => Array.from({ length: min }, (_, at) => `line ${at + 1}`)

const CASES: readonly Case[] = [
  { type: 'Default', fields: (quantity) => ({ quantity }), params: null },
  { type: 'Package', fields: () => ({}), params: null },
  {
    type: 'SEO',
    name: 'keywords by comma',
    fields: (quantity) => ({ quantity, keywords: 'red shoes, blue shoes,green shoes' }),
    params: { keywords: ['red shoes', 'blue shoes', 'green shoes'] },
  },
  {
    type: 'SEO',
    name: 'keywords by line',
    fields: (quantity) => ({ quantity, keywords: 'red shoes\r\nblue shoes\n\ngreen shoes\n' }),
    params: { keywords: ['red shoes', 'blue shoes', 'green shoes'] },
  },
  {
    type: 'Custom Comments',
    name: 'lines end in \\n',
    fields: (min) => ({ comments: `${lines(min, '\n')}\n` }),
    params: (min) => ({ comments: numbered(min) }),
  },
  {
    type: 'Custom Comments',
    name: 'lines end in \\r\\n, empty ones do not count',
    fields: (min) => ({ comments: `\r\n${lines(min, '\r\n\r\n')}\r\n  \r\n` }),
    params: (min) => ({ comments: numbered(min) }),
  },
  {
    type: 'Poll',
    fields: (quantity) => ({ quantity, answer_number: 2 }),
    params: { answer_number: '2' },
  },
  {
    type: 'Invites from Groups',
    fields: (quantity) => ({ quantity, groups: 'first_list\nsecond_list' }),
    params: { groups: ['first_list', 'second_list'] },
  },
  {
    type: 'Custom Comments Package',
    name: 'of comments for a link',
    fields: (min) => ({ comments: lines(min, '\r\n') }),
    params: (min) => ({ comments: numbered(min) }),
  },
  {
    type: 'Mentions',
    fields: (quantity) => ({ quantity, usernames: 'first_name\r\nsecond_name' }),
    params: { usernames: ['first_name', 'second_name'] },
  },
  {
    type: 'Mentions with Hashtags',
    fields: (quantity) => ({ quantity, usernames: 'first_name', hashtags: 'tea\n\ngreentea' }),
    params: { usernames: ['first_name'], hashtags: ['tea', 'greentea'] },
  },
  {
    type: 'Mentions Custom List',
    fields: (min) => ({ usernames: lines(min, '\n') }),
    params: (min) => ({ usernames: numbered(min) }),
  },
  {
    type: 'Mentions Hashtag',
    fields: (quantity) => ({ quantity, hashtag: '#tea' }),
    params: { hashtag: '#tea' },
  },
  {
    type: 'Mentions User Followers',
    fields: (quantity) => ({ quantity, username: 'mychannel' }),
    params: { username: 'mychannel' },
  },
  {
    type: 'Mentions Media Likers',
    fields: (quantity) => ({ quantity, media: 'https://shop.example/picture' }),
    params: { media: 'https://shop.example/picture' },
  },
  {
    type: 'Comment Likes',
    fields: (quantity) => ({ quantity, username: 'mychannel' }),
    params: { username: 'mychannel' },
  },
]

for (const example of CASES) {
  test(`add: ${example.type}${example.name ? `, ${example.name}` : ''}`, async () => {
    const { service: id, min, rate } = service(example.type)
    const customer = await newCustomer(purser, { credit: '1000.00' })
    const answer = await customer.panel({
      action: 'add',
      service: id,
      link: LINK,
      ...example.fields(Number(min)),
    })
    const number = orderNumber(answer)
    assertWire(answer, 200, `{"order":${number}}`)

    const row = await orderRow(purser, number)
    const quantity = example.type === 'Package' ? await packageQuantity(id) : Number(min)
    const charge = chargeMicros(rate, quantity)
    assert.equal(row.account_id, BigInt(customer.id))
    assert.equal(row.service_id, BigInt(id))
    assert.equal(row.quantity, BigInt(quantity))
    assert.equal(row.link, LINK)
    const params =
      typeof example.params === 'function' ? example.params(Number(min)) : example.params
    assert.deepEqual(row.params, params)
    assert.equal(row.charge, charge)
    assert.deepEqual(await transfersOf(purser, number), [`order wallet>revenue ${charge}`])
    assertWire(
      await customer.panel({ action: 'balance' }),
      200,
      `{"balance":"${panelAmount(1_000_000_000n - charge)}","currency":"USD"}`,
    )
  })
}

async function packageQuantity(id: string): Promise<number> {
  const { rows } = await purser.pool.query<{ package_quantity: bigint }>(
    'select package_quantity from service where id = $1',
    [id],
  )
  return Number(rows[0]?.package_quantity)
}

test('add: order numbers grow', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const fields = { action: 'add', service: 1, link: LINK, quantity: 50 }
  const first = orderNumber(await customer.panel(fields))
  const second = orderNumber(await customer.panel(fields))
  assert.ok(second > first)
})

test('add: the least and the most that a service takes', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  for (const [quantity, charge] of [
    [50, 45_000n],
    [10_000, 9_000_000n],
  ] as const) {
    const number = orderNumber(
      await customer.panel({ action: 'add', service: 1, link: LINK, quantity }),
    )
    assert.deepEqual(await transfersOf(purser, number), [`order wallet>revenue ${charge}`])
  }
})

test("add: the key's discount is charged, rounded up to the millionth", async () => {
  const customer = await newCustomer(purser, {
    credit: '10.00',
    terms: { discount_percent: 2.5 },
  })
  const number = orderNumber(
    await customer.panel({ action: 'add', service: 1, link: LINK, quantity: 51 }),
  )
  // 51 at 0.90 is 0.0459; less 2.5 % it is 0.0447525.
  assert.deepEqual(await transfersOf(purser, number), ['order wallet>revenue 44753'])
  assert.equal((await orderRow(purser, number)).list_charge, 45_900n)
  assertWire(
    await customer.panel({ action: 'status', order: String(number) }),
    200,
    /^\{"charge":"0\.044753","start_count":"\d+","status":"(?:Pending|In progress)","remains":"\d+","currency":"USD"\}$/,
  )
})

/** Refused with `status` and an error that says `says`; nothing is left behind. */
async function assertRefused(
  customer: Customer,
  fields: Fields,
  o: { status?: number; says?: RegExp } = {},
): Promise<void> {
  const before = await footprint(purser, customer.id)
  assertError(await customer.panel({ action: 'add', ...fields }), o.status ?? 400, o.says)
  assert.deepEqual(await footprint(purser, customer.id), before)
}

test('add: Subscriptions are refused, whatever is sent', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const id = service('Subscriptions').service
  const says = /subscription/i
  await assertRefused(customer, { service: id }, { says })
  await assertRefused(customer, { service: id, link: LINK, quantity: 100 }, { says })
  await assertRefused(customer, { service: id, username: 'shop', min: 1, max: 2 }, { says })
})

test('add: every field of every type is required', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  for (const { type, fields } of CASES) {
    const { service: id, min } = service(type)
    const whole: Record<string, string | number> = {
      service: id,
      link: LINK,
      ...fields(Number(min)),
    }
    for (const name of Object.keys(whole)) {
      const { [name]: _, ...rest } = whole
      await assertRefused(customer, rest, { says: new RegExp(name) })
      await assertRefused(customer, { ...whole, [name]: '' }, { says: new RegExp(name) })
    }
  }
})

test('add: a quantity is a whole number between min and max', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  for (const quantity of [
    '-1',
    '0',
    '49',
    '10001',
    '1e3',
    '10.5',
    '100.0',
    '0x64',
    '+100',
    '1,000',
    'NaN',
    'many',
    '9223372036854775808',
    '100000000000000000000000',
    '\u0661\u0660\u0660',
    '\uff11\uff10\uff10',
  ]) {
    await assertRefused(customer, { service: 1, link: LINK, quantity }, { says: /quantity/ })
  }
})

test('add: lists need an entry, a poll an answer from 1 up', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const bad: readonly (readonly [string, Fields])[] = [
    ['SEO', { keywords: ' , ,\n' }],
    ['Custom Comments', { comments: '\r\n \n' }],
    ['Invites from Groups', { groups: ' \n' }],
    ['Poll', { answer_number: 0 }],
    ['Poll', { answer_number: -1 }],
    ['Poll', { answer_number: '1.5' }],
    ['Poll', { answer_number: 'first' }],
  ]
  for (const [type, fields] of bad) {
    const { service: id, min } = service(type)
    await assertRefused(customer, { service: id, link: LINK, quantity: min, ...fields })
  }
  const { service: id, min, max } = service('Custom Comments')
  if (Number(min) > 1) {
    await assertRefused(customer, {
      service: id,
      link: LINK,
      comments: lines(Number(min) - 1, '\n'),
    })
  }
  if (Number(max) < 10_000) {
    await assertRefused(customer, {
      service: id,
      link: LINK,
      comments: lines(Number(max) + 1, '\n'),
    })
  }
})

test('add: text that PostgreSQL could not store is refused; quotes are text', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  await assertRefused(customer, { service: 1, link: 'https://shop.example/\0', quantity: 50 })
  const link = `https://shop.example/"'\\{},);--`
  const number = orderNumber(
    await customer.panel({ action: 'add', service: 1, link, quantity: 50 }),
  )
  assert.equal((await orderRow(purser, number)).link, link)
})

test('the books balance', () => assertBooksBalance(purser))
