import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import {
  chargeMicros,
  footprint,
  monthlyName,
  newCustomer,
  orderNumber,
  orderRow,
  servicesByType,
  shortAmount,
  transfersOf,
} from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const services = await servicesByType(purser)
const LINK = 'https://shop.example'
const ADD = { action: 'add', service: 1, link: LINK, quantity: 1000 }
const INVALID = '{"error":"Invalid parameters"}'

/** The four fields of `add`, in the order of the source page. */
function priceText(order: string, prices: readonly [string, string, string]): string {
  const [original_price, discount, final_price] = prices
  return JSON.stringify({ order, original_price, discount, final_price })
}

const PRICES: readonly (readonly [
  percent: number,
  quantity: number,
  prices: readonly [string, string, string],
  chargedMicros: number,
])[] = [
  [0, 1000, ['0.90', '0.00', '0.90'], 900_000],
  [0, 51, ['0.0459', '0.00', '0.0459'], 45_900],
  [10, 1000, ['0.90', '0.09', '0.81'], 810_000],
  [10, 51, ['0.0459', '0.00459', '0.04131'], 41_310],
  [5, 51, ['0.0459', '0.002295', '0.043605'], 43_605],
  // 0.0459 less 2.5 % is 0.0447525: rounded up once, the discount is what is left.
  [2.5, 51, ['0.0459', '0.001147', '0.044753'], 44_753],
  [100, 1000, ['0.90', '0.90', '0.00'], 0],
]

for (const [percent, quantity, prices, chargedMicros] of PRICES) {
  test(`add: ${quantity} with ${percent} % off: ${prices.join(' − ')}`, async () => {
    const customer = await newCustomer(purser, {
      credit: '10.00',
      terms: { discount_percent: percent },
    })
    const answer = await customer.panelbon({ ...ADD, quantity })
    const id = orderNumber(answer)
    const name = await monthlyName(purser, id)
    assert.match(name, /^CR-\d{6}-\d{4,}$/)
    assertWire(answer, 200, priceText(name, prices))
    const row = await orderRow(purser, id)
    assert.equal(row.list_charge, BigInt(quantity) * 900n)
    assert.equal(row.charge, BigInt(chargedMicros))
    assert.deepEqual(
      await transfersOf(purser, id),
      chargedMicros === 0 ? [] : [`order wallet>revenue ${chargedMicros}`],
    )
    assertWire(
      await customer.panelbon({ action: 'balance' }),
      200,
      `{"balance":"${shortAmount(10_000_000n - BigInt(chargedMicros))}","currency":"USD"}`,
    )
  })
}

const TYPES: Readonly<Record<string, (min: number) => Fields>> = {
  Package: () => ({}),
  SEO: (quantity) => ({ quantity, keywords: 'red shoes, blue shoes' }),
  'Custom Comments': (min) => ({ comments: 'so\r\n\r\n'.repeat(min) }),
  Poll: (quantity) => ({ quantity, answer_number: 1 }),
  'Invites from Groups': (quantity) => ({ quantity, groups: 'first_list\nsecond_list' }),
  'Custom Comments Package': (min) => ({ comments: 'so\r\n\r\n'.repeat(min) }),
  Mentions: (quantity) => ({ quantity, usernames: 'first_name' }),
  'Mentions with Hashtags': (quantity) => ({ quantity, usernames: 'a\nb', hashtags: 'tea' }),
  'Mentions Custom List': (min) => ({ usernames: 'so\n'.repeat(min) }),
  'Mentions Hashtag': (quantity) => ({ quantity, hashtag: 'tea' }),
  'Mentions User Followers': (quantity) => ({ quantity, username: 'mychannel' }),
  'Mentions Media Likers': (quantity) => ({ quantity, media: 'https://shop.example/picture' }),
  'Comment Likes': (quantity) => ({ quantity, username: 'mychannel' }),
}

for (const [type, fields] of Object.entries(TYPES)) {
  test(`add: ${type} takes the panel dialect's fields`, async () => {
    const { service, rate, min } = services.get(type)!
    const customer = await newCustomer(purser, {
      credit: '1000.00',
      terms: { discount_percent: 10 },
    })
    const answer = await customer.panelbon({
      action: 'add',
      service,
      link: LINK,
      ...fields(Number(min)),
    })
    const id = orderNumber(answer)
    const row = await orderRow(purser, id)
    if (type !== 'Package') assert.equal(row.quantity, BigInt(min))
    const original = chargeMicros(rate, Number(row.quantity))
    const final = (original * 9n + 9n) / 10n
    assertWire(
      answer,
      200,
      priceText(await monthlyName(purser, id), [
        shortAmount(original),
        shortAmount(original - final),
        shortAmount(final),
      ]),
    )
    assert.deepEqual(await transfersOf(purser, id), [`order wallet>revenue ${final}`])
  })
}

test('add: any wrong input is 400 Invalid parameters, and nothing happens', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const id = (type: string): string => services.get(type)!.service
  const before = await footprint(purser, customer.id)
  const { service: _service, ...noService } = ADD
  const { link: _link, ...noLink } = ADD
  const { quantity: _quantity, ...noQuantity } = ADD
  const wrong: readonly Fields[] = [
    noService,
    noLink,
    noQuantity,
    ...[
      '-1',
      '0',
      '49',
      '10001',
      '1e3',
      '10.5',
      '9223372036854775808',
      'NaN',
      '',
      '\uff11\uff10\uff10',
    ].map((quantity) => ({ ...ADD, quantity })),
    { ...ADD, link: '' },
    { ...ADD, link: 'https://shop.example/\0' },
    { ...ADD, runs: 2 },
    { ...ADD, runs: 0, interval: 60 },
    { ...ADD, service: id('Poll'), answer_number: 1, runs: 2, interval: 60 },
    { ...ADD, service: id('Subscriptions') },
    { ...ADD, service: id('Subscriptions'), username: 'mychannel', min: 10, max: 20, delay: 5 },
    { ...ADD, service: id('Custom Comments Package') },
    { ...ADD, service: id('Custom Comments Package'), username: 'a', min: 1, max: 2, delay: 5 },
    { ...ADD, service: id('Mentions') },
    { ...ADD, service: id('Comment Likes') },
    { ...ADD, service: id('Custom Comments'), comments: '\n \r\n' },
    { ...ADD, service: id('Poll'), answer_number: 0 },
    { ...ADD, service: id('SEO'), keywords: ',' },
  ]
  for (const fields of wrong) assertWire(await customer.panelbon(fields), 400, INVALID)
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('the books balance', () => assertBooksBalance(purser))
