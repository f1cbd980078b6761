/** Orders that must not be: in every dialect and encoding, refused as documented, leaving nothing. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'
import { footprint, newCustomer, place } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

type Form = Readonly<Record<string, string>>
type Encode = (form: Form) => RequestInit

const BOUNDARY = 'purser-test-boundary'

/** How the same fields are sent. Multipart is written by hand: FormData would mend bad text. */
const ENCODINGS: Readonly<Record<string, Encode>> = {
  urlencoded: (form) => ({
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  }),
  multipart: (form) => ({
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: `${Object.entries(form)
      .map(
        ([name, value]) =>
          `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      .join('')}--${BOUNDARY}--\r\n`,
  }),
  json: (form) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(form),
  }),
}

/** Where each dialect is, and what it says of wrong input. */
const DIALECTS = [
  { path: '/api/v2', wrongInput: undefined },
  { path: '/app/api/v2', wrongInput: 'Invalid parameters' },
] as const

const ADD: Form = {
  action: 'add',
  service: purser.demo.services.Default ?? '1',
  link: 'https://shop.example',
  quantity: '100',
}

const send = async (path: string, encode: Encode, form: Form): Promise<Answer> =>
  readAnswer(await fetch(`${purser.url}${path}`, { method: 'POST', ...encode(form) }))

interface Wrong {
  readonly fields: Form
  readonly status?: number
  /** What the panel dialect says: it has to name the field that is to be changed. */
  readonly says: RegExp
}

const LONG = '9'.repeat(200_000)
const QUANTITIES = ['-1', '0', '1e3', '10.5', '100.0', '+5', '+100', 'NaN', 'Infinity', '0x64']
QUANTITIES.push(
  '9223372036854775808',
  '9223372036854775807',
  '-9223372036854775808',
  '١٠٠',
  '１００',
)
QUANTITIES.push(
  '',
  ' ',
  '49',
  '10001',
  '1 00',
  '100;',
  "100' or '1'='1",
  '100\\',
  LONG,
  '100\u0000',
)

const TEXT_FIELDS = ['link', 'quantity', 'keywords', 'comments', 'groups', 'answer_number', 'runs']
TEXT_FIELDS.push('interval', 'username', 'min', 'max', 'delay', 'posts', 'old_posts', 'expiry')
TEXT_FIELDS.push('usernames', 'hashtags', 'hashtag', 'media')

const WRONG: readonly Wrong[] = [
  ...QUANTITIES.map((quantity) => ({ fields: { quantity }, says: /^quantity / })),
  ...['\0', 'a\0b', '\u0001', '\u001b[0m', '\u0085'].flatMap((bad) =>
    TEXT_FIELDS.map((field) => ({ fields: { [field]: bad }, says: new RegExp(`^${field} `) })),
  ),
  { fields: { link: '' }, says: /^link / },
  { fields: { link: 'a'.repeat(2049) }, says: /^link / },
  { fields: { link: LONG }, says: /^link / },
  { fields: { service: '' }, says: /^service / },
  { fields: { service: 'a\0' }, says: /^service / },
  ...['0', '-1', '1.5', '1e1', '1001', '٢', LONG].map((runs) => ({
    fields: { runs, interval: '5' },
    says: /^runs /,
  })),
  ...['', '0', '-1', '1.5', '43201', '٥', LONG].map((interval) => ({
    fields: { runs: '2', interval },
    says: /^interval /,
  })),
  { fields: { idempotency_key: 'a'.repeat(256) }, says: /idempotency key/ },
  { fields: { idempotency_key: 'a b' }, says: /idempotency key/ },
  { fields: { idempotency_key: 'a\0b' }, says: /idempotency key/ },
  { fields: { idempotency_key: 'é' }, says: /idempotency key/ },
  { fields: { action: 'constructor' }, says: /^action / },
  { fields: { action: '__proto__' }, says: /^action / },
  { fields: { action: 'add\0' }, says: /^action / },
  { fields: { action: LONG }, says: /^action / },
]
const NO_SERVICE = ['0', '-1', '1.0', '1e0', '999999999', '9223372036854775808', '__proto__', '١']
NO_SERVICE.push("1' or '1'='1", '1;drop table service', LONG)

for (const [encoding, encode] of Object.entries(ENCODINGS)) {
  for (const { path, wrongInput } of DIALECTS) {
    test(`${path} as ${encoding}: every wrong field is a 400 that leaves nothing`, async () => {
      const customer = await newCustomer(purser, { credit: '100.00' })
      const before = await footprint(purser, customer.id)
      for (const { fields, says } of WRONG) {
        const answer = await send(path, encode, { key: customer.key, ...ADD, ...fields })
        const sent = JSON.stringify(fields).slice(0, 80)
        assert.equal(answer.status, 400, `${sent}: ${answer.text}`)
        const { error } = answer.json as { error: string }
        if (wrongInput === undefined) assert.match(error, new RegExp(says, 'i'), sent)
        else assert.equal(answer.text, JSON.stringify({ error: wrongInput }), sent)
      }
      for (const service of NO_SERVICE) {
        const answer = await send(path, encode, { key: customer.key, ...ADD, service })
        assert.equal(answer.status, 404, service.slice(0, 40))
        assert.equal(answer.text, '{"error":"Incorrect service ID"}')
      }
      assert.deepEqual(await footprint(purser, customer.id), before)
    })

    test(`${path} as ${encoding}: a key that is none is a 401, whatever it is made of`, async () => {
      const keys = ['', ' ', '\0', 'a\0b', '\\', `'"--`, '{}', '[]', 'null', '__proto__', '١', LONG]
      const { key } = await newCustomer(purser)
      keys.push(`${key}\0`, `\0${key}`, key.toUpperCase(), `${key}${key}`)
      for (const bad of keys) {
        const answer = await send(path, encode, { ...ADD, key: bad })
        assert.equal(answer.status, 401, JSON.stringify(bad).slice(0, 40))
        assert.equal(answer.text, '{"error":"Invalid API key"}')
      }
    })

    test(`${path} as ${encoding}: ids that are none name no order`, async () => {
      const customer = await newCustomer(purser, { credit: '100.00' })
      const id = await place(customer, ADD)
      const before = await footprint(purser, customer.id)
      const ids = ['0', '-1', '1.0', '1e3', '+1', 'NaN', '١', '9223372036854775808', "1' or '1'='1"]
      ids.push('\\', '"', '{}', '__proto__', 'constructor', `0x${id.toString(16)}`, LONG)
      ids.push(`CR-200001-${String(id).padStart(4, '0')}`, `cr-${id}`, `${id}.0`, `${id}\\`)
      for (const order of ids) {
        const one = await send(path, encode, { key: customer.key, action: 'status', order })
        assert.deepEqual([one.status, one.json], [404, { error: 'Incorrect order ID' }], order)
        const orders = `${order},${order}`
        const many = await send(path, encode, { key: customer.key, action: 'status', orders })
        assert.deepEqual(Object.entries(many.json as object), [
          [order, { error: 'Incorrect order ID' }],
        ])
        const cancel = await send(path, encode, { key: customer.key, action: 'cancel', orders })
        assert.equal(cancel.status, 200)
        assert.match(cancel.text, /^\[\{"order":.*"error":"Incorrect order ID"\}+\]$/)
      }
      for (const orders of [
        '',
        ' ',
        ',',
        ',,,',
        `${id},\0`,
        Array.from({ length: 101 }, (_, at) => at).join(),
      ]) {
        for (const action of ['multiStatus', 'cancel']) {
          const form = { key: customer.key, action, orders, idempotency_key: `k-${action}` }
          const answer = await send(path, encode, form)
          assert.equal(answer.status, 400, `${action} ${JSON.stringify(orders)}: ${answer.text}`)
          if (wrongInput === undefined) assert.match(answer.text, /orders /)
        }
      }
      assert.deepEqual(await footprint(purser, customer.id), before)
    })
  }

  test(`as ${encoding}: quotes, backslashes and odd letters are taken as they are`, async () => {
    const customer = await newCustomer(purser, { credit: '100.00' })
    const odd = `'"\\\\{},NULL $1 %s <b>&amp;</b> ;-- \u{1f6a2}\u202eשלום\u200f${'\\'}`
    const service = purser.demo.services['Custom Comments'] ?? ''
    const { rows: limits } = await purser.pool.query<{ min_quantity: bigint }>(
      'select min_quantity from service where id = $1',
      [service],
    )
    const comments = Array(Number(limits[0]?.min_quantity)).fill(odd)
    const answer = await send('/api/v2', encode, {
      key: customer.key,
      action: 'add',
      service,
      link: odd,
      comments: comments.join('\n'),
      idempotency_key: `'"\\{},NULL$1%s;--`,
    })
    assert.equal(answer.status, 200, answer.text)
    const { rows } = await purser.pool.query(
      'select link, params, idempotency_key from service_order where account_id = $1',
      [customer.id],
    )
    assert.deepEqual(rows, [
      { link: odd, params: { comments }, idempotency_key: `'"\\{},NULL$1%s;--` },
    ])
  })
}

test('the least and the most that a service takes are taken, one beside is not', async () => {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  for (const { path } of DIALECTS) {
    for (const [quantity, status] of [
      ['49', 400],
      ['50', 200],
      ['10000', 200],
      ['10001', 400],
    ] as const) {
      const form = { key: customer.key, ...ADD, quantity }
      const answer = await send(path, ENCODINGS.json!, form)
      assert.equal(answer.status, status, `${path} ${quantity}: ${answer.text}`)
    }
  }
})

test('half a character in JSON is refused where it would be kept', async () => {
  const customer = await newCustomer(purser, { credit: '100.00' })
  const id = await place(customer, ADD)
  const before = await footprint(purser, customer.id)
  const half = '\ud800'
  const tries: Form[] = [
    { ...ADD, link: half },
    { ...ADD, idempotency_key: half },
    { action: 'cancel', orders: `${id},${half}`, idempotency_key: 'k' },
    { action: half },
  ]
  for (const form of tries) {
    const answer = await send('/api/v2', ENCODINGS.json!, { key: customer.key, ...form })
    assert.equal(answer.status, 400, answer.text)
  }
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('the books balance', () => assertBooksBalance(purser))
