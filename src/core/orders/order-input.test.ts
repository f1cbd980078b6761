import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import type { ServiceType } from '../catalogue/service-type.ts'
import { Refusal } from '../refusal.ts'
import type { OrderSetting } from './followed-work.ts'
import { ORDER_FIELDS, type OrderRequest } from './order-fields.ts'
import { checkOrderRequest, readOrderWork as read } from './order-input.ts'
import type { OrderWork } from './order-work.ts'

const service: CatalogueService = {
  id: 1n,
  name: 'Test',
  description: '',
  category: 'Test',
  type: 'Default',
  minQuantity: 50n,
  maxQuantity: 10_000n,
  packageQuantity: null,
  canRefill: false,
  canCancel: true,
  canDripfeed: false,
  quantityStep: 1n,
  linkPattern: null,
  oneActivePerLink: false,
  confirmFirst: false,
  averageSeconds: null,
  provider: 'simulated',
  rates: new Map([['USD', 900_000n]]),
  minCharges: null,
}
const SETTING: OrderSetting = {
  now: new Date('2026-03-10T22:30:00Z'),
  timeZone: 'Europe/Sofia',
  reportsPosts: true,
}

function readOrderWork(
  offered: CatalogueService,
  request: OrderRequest,
  o: Partial<OrderSetting> = {},
): OrderWork {
  return read(offered, request, { ...SETTING, ...o })
}

const link = 'https://shop.example'

function of(type: ServiceType, o: Partial<CatalogueService> = {}): CatalogueService {
  return { ...service, type, ...o }
}

/** What is refused, by code and field; fails where nothing is. */
function refused(body: () => unknown): { code: string; field: string | undefined; says: string } {
  try {
    body()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { code: error.code, field: error.fields[0]?.pointer, says: error.detail }
  }
  throw new Error('nothing was refused')
}

const NO_QUANTITIES = [
  '-1',
  '0',
  '+5',
  '+100',
  '1e3',
  '10.5',
  '100.0',
  '100,0',
  '0x64',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  'NaN',
  'Infinity',
  '١٠٠',
  '１００',
  '1٠٠',
  '100\u200b',
  '1 00',
  "100' or '1'='1",
  '',
  ' ',
  '9'.repeat(100_000),
]

test('a quantity is plain digits within the limits of the service', () => {
  for (const quantity of NO_QUANTITIES) {
    const { code, field, says } = refused(() => readOrderWork(service, { link, quantity }))
    assert.equal(code, 'invalid_input', quantity.slice(0, 30))
    assert.equal(field, '/quantity')
    assert.match(says, /quantity/)
  }
  for (const quantity of ['49', '10001']) {
    const { says } = refused(() => readOrderWork(service, { link, quantity }))
    assert.equal(says, 'quantity must be between 50 and 10000')
  }
  for (const quantity of ['50', '10000', ' 50 ', '0050']) {
    assert.equal(readOrderWork(service, { link, quantity }).quantity, BigInt(quantity))
  }
})

test('every text is either read as the number it shows or refused', () => {
  const numberish = fc.string({ unit: fc.constantFrom(...'0123456789+-.e, ١１\0') })
  fc.assert(
    fc.property(fc.oneof(numberish, fc.string({ unit: 'binary' })), (quantity) => {
      let read: bigint
      try {
        read = readOrderWork(service, { link, quantity }).quantity
      } catch (error) {
        assert.ok(error instanceof Refusal && error.code === 'invalid_input')
        return
      }
      assert.match(quantity.trim(), /^[0-9]+$/)
      assert.ok(read >= 50n && read <= 10_000n && read === BigInt(quantity.trim()))
    }),
  )
})

test('null bytes, control characters and halves of characters are refused by field', () => {
  for (const field of ORDER_FIELDS) {
    for (const bad of ['\0', 'a\0b', '\x01', '\x1b[0m', '\x7f', '\x85', '\ud800', 'a\udc00b']) {
      const request = { service: '1', link, quantity: '100', [field]: bad }
      const { code, field: pointer } = refused(() => checkOrderRequest(request))
      assert.deepEqual([code, pointer], ['invalid_input', `/${field}`])
    }
  }
  const odd = `"'\\{}$$;--\u{1f6a2}\ufeff\u202e`
  assert.equal(readOrderWork(service, { link: odd, quantity: '100' }).link, odd)
})

test('what is no number names no service', () => {
  assert.equal(checkOrderRequest({ service: '1' }), 1n)
  assert.equal(refused(() => checkOrderRequest({})).field, '/service')
  for (const id of ['-1', '1.5', '1e0', 'abc', '١', '9'.repeat(19), '__proto__', 'constructor']) {
    assert.equal(refused(() => checkOrderRequest({ service: id })).code, 'service_not_found')
  }
})

const NEEDS: Readonly<Partial<Record<ServiceType, OrderRequest>>> = {
  Default: { link, quantity: '100' },
  Package: { link },
  SEO: { link, quantity: '100', keywords: 'a,b' },
  'Custom Comments': { link, comments: 'a\nb' },
  Poll: { link, quantity: '100', answer_number: '1' },
  'Invites from Groups': { link, quantity: '100', groups: 'a\nb' },
  Mentions: { link, quantity: '100', usernames: 'a\nb' },
  'Mentions with Hashtags': { link, quantity: '100', usernames: 'a\nb', hashtags: 'x\ny' },
  'Mentions Custom List': { link, usernames: 'a\nb' },
  'Mentions Hashtag': { link, quantity: '100', hashtag: 'x' },
  'Mentions User Followers': { link, quantity: '100', username: 'shop' },
  'Mentions Media Likers': { link, quantity: '100', media: 'https://shop.example/p/1' },
  'Comment Likes': { link, quantity: '100', username: 'shop' },
}

test('each type needs exactly its fields', () => {
  for (const [type, request] of Object.entries(NEEDS) as [ServiceType, OrderRequest][]) {
    const offered = of(type, { minQuantity: 1n, packageQuantity: type === 'Package' ? 7n : null })
    const work = readOrderWork(offered, request)
    assert.equal(work.link, link)
    assert.equal(work.unfolds, false)
    for (const field of Object.keys(request) as (keyof OrderRequest)[]) {
      for (const nothing of [undefined, '', '  ', '\r\n']) {
        const { [field]: _, ...rest } = request
        const without = nothing === undefined ? rest : { ...rest, [field]: nothing }
        const { code, field: pointer } = refused(() => readOrderWork(offered, without))
        assert.deepEqual([code, pointer], ['invalid_input', `/${field}`], `${type} ${field}`)
      }
    }
  }
})

test('what a type asks for is kept as texts and lists', () => {
  const paramsOf = (type: ServiceType) =>
    readOrderWork(of(type, { minQuantity: 1n }), NEEDS[type] ?? {}).params
  assert.deepEqual(paramsOf('Mentions'), { usernames: ['a', 'b'] })
  assert.deepEqual(paramsOf('Mentions with Hashtags'), {
    usernames: ['a', 'b'],
    hashtags: ['x', 'y'],
  })
  assert.deepEqual(paramsOf('Mentions Hashtag'), { hashtag: 'x' })
  assert.deepEqual(paramsOf('Mentions User Followers'), { username: 'shop' })
  assert.deepEqual(paramsOf('Mentions Media Likers'), { media: 'https://shop.example/p/1' })
  assert.deepEqual(paramsOf('Comment Likes'), { username: 'shop' })
  assert.equal(
    readOrderWork(of('Mentions Custom List', { minQuantity: 1n }), {
      link,
      usernames: 'a, b\nc\r\n\n',
    }).quantity,
    3n,
  )
})

test('subscriptions are made elsewhere, whatever is sent', () => {
  for (const request of [{ link }, FOLLOWED]) {
    const { code } = refused(() => readOrderWork(of('Subscriptions'), request))
    assert.equal(code, 'type_not_orderable')
  }
})

const FOLLOWED: OrderRequest = { username: 'shop', min: '60', max: '80', delay: '30' }
const series = of('Custom Comments Package')

test('a package of comments that follows posts costs posts × max', () => {
  const work = readOrderWork(series, FOLLOWED)
  assert.deepEqual(work, {
    link: 'shop',
    quantity: 80n,
    params: { username: 'shop', min: '60', max: '80', delay: '30', posts: '1', old_posts: '0' },
    unfolds: true,
  })
  const more = { ...FOLLOWED, posts: '7', old_posts: '9', expiry: '2026-03-11' }
  const { quantity, params } = readOrderWork(series, more)
  assert.equal(quantity, 560n)
  assert.deepEqual([params?.posts, params?.old_posts, params?.expiry], ['7', '9', '2026-03-11'])
  const whole = readOrderWork(series, more, { reportsPosts: false })
  assert.deepEqual(whole, { ...readOrderWork(series, more), unfolds: false })
})

test('a package of comments that follows posts says what is wrong with it', () => {
  for (const [change, field] of [
    [{ username: '' }, '/username'],
    [{ username: 'two\nlines' }, '/username'],
    [{ min: '' }, '/min'],
    [{ min: '49' }, '/min'],
    [{ min: '1e2' }, '/min'],
    [{ max: '' }, '/max'],
    [{ max: '10001' }, '/max'],
    [{ max: '59' }, '/max'],
    [{ delay: '' }, '/delay'],
    [{ delay: '-1' }, '/delay'],
    [{ delay: '43201' }, '/delay'],
    [{ posts: '0' }, '/posts'],
    [{ posts: '10001' }, '/posts'],
    [{ old_posts: 'all' }, '/old_posts'],
    [{ expiry: '11.03.2026' }, '/expiry'],
    [{ expiry: '2026-02-29' }, '/expiry'],
    [{ expiry: '2026-13-01' }, '/expiry'],
    [{ expiry: '2026-03-10' }, '/expiry'],
    [{ runs: '2', interval: '5' }, '/runs'],
    [{ link }, '/username'],
    [{ comments: 'a' }, '/username'],
  ] as const) {
    const { code, field: pointer } = refused(() =>
      readOrderWork(series, { ...FOLLOWED, ...change }),
    )
    assert.deepEqual([code, pointer], ['invalid_input', field], JSON.stringify(change))
  }
  assert.equal(refused(() => readOrderWork(series, {})).field, '/username')
})

test('what follows posts keeps to the step of its service', () => {
  const stepped = of('Custom Comments Package', { quantityStep: 25n })
  const work = readOrderWork(stepped, { ...FOLLOWED, posts: '2' })
  assert.deepEqual([work.quantity, work.params?.step], [160n, '25'], 'costs posts × max, as always')
  assert.ok(readOrderWork(stepped, { ...FOLLOWED, min: '75', max: '75' }))
  for (const [min, max] of [['60', '74'] as const, ['76', '99'] as const]) {
    const { code, field, says } = refused(() => readOrderWork(stepped, { ...FOLLOWED, min, max }))
    assert.deepEqual([code, field], ['invalid_input', '/max'])
    assert.equal(says, 'there must be a multiple of 25 from min to max')
  }
})

test('an expiry lasts until the day has ended where the account is', () => {
  // In Sofia the 11th has begun; in New York the 10th goes on.
  const today = { ...FOLLOWED, expiry: '2026-03-10' }
  assert.equal(refused(() => readOrderWork(series, today)).says, 'expiry is over already')
  const work = readOrderWork(series, today, { timeZone: 'America/New_York' })
  assert.equal(work.params?.expiry, '2026-03-10')
  assert.ok(readOrderWork(series, { ...FOLLOWED, expiry: '2028-02-29' }))
})

test('a package of comments for a link delivers them, or what the service fixes', () => {
  const request = { link, comments: 'a\nb\r\n\nc' }
  const counted = readOrderWork(of('Custom Comments Package', { minQuantity: 3n }), request)
  assert.deepEqual(counted, {
    link,
    quantity: 3n,
    params: { comments: ['a', 'b', 'c'] },
    unfolds: false,
  })
  assert.equal(refused(() => readOrderWork(series, request)).field, '/comments')
  assert.equal(refused(() => readOrderWork(series, { link })).field, '/comments')
  assert.equal(refused(() => readOrderWork(series, { comments: 'a' })).field, '/link')
  const fixed = of('Custom Comments Package', { packageQuantity: 25n })
  assert.equal(readOrderWork(fixed, request).quantity, 25n)
  assert.equal(readOrderWork(fixed, FOLLOWED).quantity, 80n)
})

const dripped = of('Default', { canDripfeed: true })

test('a drip-feed is quantity × runs, each within the limits', () => {
  const asked = { link, quantity: '100', runs: '5', interval: '60' }
  assert.deepEqual(readOrderWork(dripped, asked), {
    link,
    quantity: 500n,
    params: { runs: '5', interval: '60' },
    unfolds: true,
  })
  const poll = readOrderWork(of('Poll', { canDripfeed: true }), { ...asked, answer_number: '2' })
  assert.deepEqual(poll.params, { answer_number: '2', runs: '5', interval: '60' })
  assert.equal(readOrderWork(dripped, { ...asked, quantity: '10000' }).quantity, 50_000n)
  for (const [change, field] of [
    [{ quantity: '49' }, '/quantity'],
    [{ quantity: '10001' }, '/quantity'],
    [{ runs: '' }, '/runs'],
    [{ runs: '0' }, '/runs'],
    [{ runs: '-1' }, '/runs'],
    [{ runs: '1001' }, '/runs'],
    [{ runs: 'many' }, '/runs'],
    [{ interval: '' }, '/interval'],
    [{ interval: '0' }, '/interval'],
    [{ interval: '1.5' }, '/interval'],
    [{ interval: '43201' }, '/interval'],
  ] as const) {
    const { code, field: pointer } = refused(() => readOrderWork(dripped, { ...asked, ...change }))
    assert.deepEqual([code, pointer], ['invalid_input', field], JSON.stringify(change))
  }
})

test('one run is a plain order', () => {
  const plain = readOrderWork(dripped, { link, quantity: '100' })
  assert.deepEqual(readOrderWork(dripped, { link, quantity: '100', runs: '1' }), plain)
  const both = { link, quantity: '100', runs: '1', interval: '5' }
  assert.deepEqual(readOrderWork(dripped, both), plain)
})

test('what has no drip-feed refuses runs and interval', () => {
  const ask = (offered: CatalogueService, request: OrderRequest) =>
    refused(() => readOrderWork(offered, request)).field
  assert.equal(ask(service, { link, quantity: '100', runs: '2', interval: '5' }), '/runs')
  assert.equal(ask(service, { link, quantity: '100', interval: '5' }), '/interval')
  for (const type of ['Package', 'Custom Comments', 'Mentions Custom List'] as const) {
    const offered = of(type, { canDripfeed: true, minQuantity: 1n, packageQuantity: 5n })
    assert.equal(ask(offered, { ...NEEDS[type], runs: '2', interval: '5' }), '/runs', type)
  }
})

test('a quantity is a multiple of the step of the service', () => {
  const stepped = of('Default', { minQuantity: 100n, quantityStep: 100n })
  assert.equal(readOrderWork(stepped, { link, quantity: '300' }).quantity, 300n)
  const { field, says } = refused(() => readOrderWork(stepped, { link, quantity: '150' }))
  assert.deepEqual([field, says], ['/quantity', 'quantity must be a multiple of 100'])
})

test('a link is one that the service takes', () => {
  const own = of('Default', { linkPattern: '^https://shop\\.example/' })
  const ask = (text: string) => readOrderWork(own, { link: text, quantity: '100' })
  assert.equal(ask('https://shop.example/1').link, 'https://shop.example/1')
  for (const text of ['https://shopxexample/1', 'see https://shop.example/1', 'shop']) {
    assert.equal(refused(() => ask(text)).field, '/link')
  }
})

test('no pattern makes a link hang', () => {
  const evil = of('Default', { linkPattern: '^(a+)+$' })
  const request = { link: `${'a'.repeat(2_000)}!`, quantity: '100' }
  assert.equal(refused(() => readOrderWork(evil, request)).field, '/link')
})

test('comments are counted by their lines that are not empty, however lines end', () => {
  const lines = fc.array(fc.stringMatching(/^[a-z ,"'\\]{0,12}$/), { maxLength: 200 })
  fc.assert(
    fc.property(lines, fc.constantFrom('\n', '\r\n', '\r'), (texts, end) => {
      const wanted = texts.map((text) => text.trim()).filter((text) => text !== '')
      fc.pre(wanted.length > 0)
      const offered = of('Custom Comments', { minQuantity: 1n })
      const work = readOrderWork(offered, { link, comments: texts.join(end) })
      assert.equal(work.quantity, BigInt(wanted.length))
      assert.deepEqual(work.params, { comments: wanted })
    }),
  )
  const offered = of('Custom Comments', { minQuantity: 2n, maxQuantity: 3n })
  for (const comments of ['one', 'one\n\n \n', '1\n2\n3\n4']) {
    assert.equal(refused(() => readOrderWork(offered, { link, comments })).field, '/comments')
  }
})

test('lists and texts have a limit', () => {
  const offered = of('Custom Comments', { minQuantity: 1n, maxQuantity: 10n ** 9n })
  const ask = (request: OrderRequest) => refused(() => readOrderWork(offered, request)).field
  assert.equal(ask({ link, comments: 'a\n'.repeat(10_001) }), '/comments')
  assert.equal(ask({ link, comments: 'a'.repeat(2_001) }), '/comments')
  assert.equal(ask({ link: 'a'.repeat(2_049), comments: 'a' }), '/link')
})

test('an answer is one that a poll could have', () => {
  for (const answer_number of ['0', '-1', '1.5', '1e1', '1000001', '١', '']) {
    const { field } = refused(() =>
      readOrderWork(of('Poll'), { link, quantity: '100', answer_number }),
    )
    assert.equal(field, '/answer_number')
  }
})
