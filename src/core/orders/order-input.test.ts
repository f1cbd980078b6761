import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CatalogueService } from '../catalogue/catalogue-cache.ts'
import type { ServiceType } from '../catalogue/service-type.ts'
import { Refusal } from '../refusal.ts'
import { checkOrderRequest, ORDER_FIELDS, type OrderRequest, readOrderWork } from './order-input.ts'

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
  provider: 'simulated',
  rates: new Map([['USD', 900_000n]]),
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
}

test('each type needs exactly its fields', () => {
  for (const [type, request] of Object.entries(NEEDS) as [ServiceType, OrderRequest][]) {
    const offered = of(type, { minQuantity: 1n, packageQuantity: type === 'Package' ? 7n : null })
    assert.equal(readOrderWork(offered, request).link, link)
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

test('what cannot be ordered yet is refused for what it is', () => {
  const ask = (type: ServiceType, request: OrderRequest) =>
    refused(() => readOrderWork(of(type), request)).code
  assert.equal(ask('Subscriptions', { link }), 'type_not_orderable')
  assert.equal(ask('Custom Comments Package', { link }), 'feature_unavailable')
  assert.equal(ask('Default', { link, quantity: '100', runs: '2' }), 'feature_unavailable')
  assert.equal(ask('Default', { link, quantity: '100', interval: '5' }), 'feature_unavailable')
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
