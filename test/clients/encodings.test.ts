/** The ways in which programs send the same order, and the odd requests that old ones make. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import axios from 'axios'
import { assertWire } from '../kit/answer.ts'
import { startTestPurser } from '../kit/purser.ts'
import {
  footprint,
  monthlyName,
  newCustomer,
  orderRow,
  place,
  servicesByType,
  setOrder,
  transfersOf,
} from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const LINK = 'https://shop.example/a?b=1&c=två+три'
const URLENCODED = 'application/x-www-form-urlencoded'

interface Raw {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Reply {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** Sends exactly these headers: no Accept, Content-Type or User-Agent of its own. */
function raw(o: Raw): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = o.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(o.body) }
    const outgoing = request(
      `${purser.url}${o.path}`,
      { method: o.method ?? 'POST', headers: { ...length, ...o.headers } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'],
            text,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(o.body)
  })
}

type Form = Record<string, string | number | boolean>
const MOUNTS = ['/api/v2', '/app/api/v2'] as const

const encode = (form: Form): string =>
  new URLSearchParams(
    Object.fromEntries(Object.entries(form).map(([name, value]) => [name, String(value)])),
  ).toString()

const multipart = (form: Form, boundary: string): string =>
  `${Object.entries(form)
    .map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    .join('')}--${boundary}--\r\n`

const rawForm =
  (type: string, path = '') =>
  (mount: string, form: Form): Promise<Reply> =>
    raw({ path: `${mount}${path}`, headers: { 'Content-Type': type }, body: encode(form) })

async function viaFetch(url: string, init: RequestInit): Promise<Reply> {
  const response = await fetch(url, init)
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? undefined,
    text: await response.text(),
  }
}

async function viaAxios(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await axios.post(url, body, { headers, responseType: 'text' })
  return {
    status: response.status,
    type: String(response.headers['content-type']),
    text: String(response.data),
  }
}

const WAYS: Readonly<Record<string, (mount: string, form: Form) => Promise<Reply>>> = {
  urlencoded: rawForm(URLENCODED),
  'urlencoded with a charset': rawForm(`${URLENCODED}; charset=UTF-8`),
  'urlencoded in capitals': rawForm('Application/X-WWW-Form-URLEncoded;Charset=utf-8'),
  'trailing slash': rawForm(URLENCODED, '/'),
  'no content type at all': (mount, form) => raw({ path: mount, body: encode(form) }),
  'empty Accept': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': URLENCODED, Accept: '' },
      body: encode(form),
    }),
  'Accept of something else': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': URLENCODED, Accept: 'text/html' },
      body: encode(form),
    }),
  'spaces as %20': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': URLENCODED },
      body: encode(form).replaceAll('+', '%20'),
    }),
  'GET with a query': (mount, form) => raw({ method: 'GET', path: `${mount}?${encode(form)}` }),
  'GET with a query after a slash': (mount, form) =>
    raw({ method: 'GET', path: `${mount}/?${encode(form)}` }),
  'POST with a query and no body': (mount, form) => raw({ path: `${mount}?${encode(form)}` }),
  'the key in the query, the rest in the body': (mount, { key, ...form }) =>
    raw({
      path: `${mount}?key=${key}`,
      headers: { 'Content-Type': URLENCODED },
      body: encode(form),
    }),
  multipart: (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': 'multipart/form-data; boundary=----x' },
      body: multipart(form, '----x'),
    }),
  'multipart in capitals, a quoted boundary': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': 'Multipart/Form-Data; boundary="a b"' },
      body: multipart(form, 'a b'),
    }),
  JSON: (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(form),
    }),
  'JSON with a charset, in capitals': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': 'APPLICATION/JSON; charset=UTF-8' },
      body: JSON.stringify(form),
    }),
  'JSON, everything a string': (mount, form) =>
    raw({
      path: mount,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(
        Object.fromEntries(Object.entries(form).map(([name, value]) => [name, String(value)])),
      ),
    }),
  'fetch with FormData': (mount, form) => {
    const body = new FormData()
    for (const [name, value] of Object.entries(form)) body.append(name, String(value))
    return viaFetch(`${purser.url}${mount}`, { method: 'POST', body })
  },
  'fetch with URLSearchParams': (mount, form) =>
    viaFetch(`${purser.url}${mount}`, { method: 'POST', body: new URLSearchParams(encode(form)) }),
  'axios with URLSearchParams': (mount, form) =>
    viaAxios(`${purser.url}${mount}`, new URLSearchParams(encode(form))),
  'axios with an object': (mount, form) => viaAxios(`${purser.url}${mount}`, form),
  'axios with an object, sent as a form': (mount, form) =>
    viaAxios(`${purser.url}${mount}`, form, { 'Content-Type': URLENCODED }),
  'axios with an object, sent as multipart': (mount, form) =>
    viaAxios(`${purser.url}${mount}`, form, { 'Content-Type': 'multipart/form-data' }),
}

for (const [name, send] of Object.entries(WAYS)) {
  test(`${name}: the order arrives as it was meant, in both panels`, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    for (const mount of MOUNTS) {
      const link = `${LINK}&from=${mount}`
      const reply = await send(mount, {
        key: customer.key,
        action: 'add',
        service: 1,
        link,
        quantity: 100,
      })
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.type, 'application/json; charset=utf-8')
      const { rows } = await purser.pool.query<{ id: bigint }>(
        'select id from service_order where account_id = $1 order by id desc limit 1',
        [customer.id],
      )
      const id = rows[0]!.id
      const order =
        mount === '/api/v2'
          ? `{"order":${id}}`
          : `{"order":"${await monthlyName(purser, id)}","original_price":"0.09","discount":"0.00","final_price":"0.09"}`
      assert.equal(reply.text, order)
      const row = await orderRow(purser, id)
      assert.equal(row.link, link)
      assert.equal(row.quantity, 100n)
      assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 90000'])
    }
  })
}

test('lines survive urlencoded, multipart and JSON bodies', async () => {
  const { service, min } = (await servicesByType(purser)).get('Custom Comments')!
  const comments = Array.from({ length: Number(min) }, (_, at) => `Très “bon” & 100% n° ${at}`)
  const customer = await newCustomer(purser, { credit: '1000.00' })
  for (const way of ['urlencoded', 'multipart', 'JSON', 'fetch with FormData'] as const) {
    const reply = await WAYS[way]!('/api/v2', {
      key: customer.key,
      action: 'add',
      service,
      link: LINK,
      comments: `${comments.join('\r\n')}\r\n`,
    })
    assert.equal(reply.status, 200, `${way}: ${reply.text}`)
    const { order } = JSON.parse(reply.text) as { order: number }
    assert.deepEqual((await orderRow(purser, BigInt(order))).params, { comments })
  }
})

test('a field sent twice has its last value, as in PHP', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const reply = await raw({
    path: '/api/v2',
    headers: { 'Content-Type': URLENCODED },
    body: `key=wrong&key=${customer.key}&action=services&action=balance`,
  })
  assert.deepEqual([reply.status, reply.text], [200, '{"balance":"10.00000","currency":"USD"}'])
})

test('JSON: orders as a number or a list, booleans and nulls where nothing is asked', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const id = await place(customer, { service: 1, quantity: 50 })
  await setOrder(purser, id, { status: 'Completed' })
  const start = (await orderRow(purser, id)).start_count ?? 0n
  const entry = `{"charge":"0.04500","start_count":"${start}","status":"Completed","remains":"0","currency":"USD"}`
  const json = (body: object): Promise<Reply> =>
    raw({
      path: '/api/v2',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: customer.key, ...body }),
    })
  const number = Number(id)
  for (const [body, expected] of [
    [{ action: 'status', order: number }, entry],
    [{ action: 'status', order: number, verbose: true, orders: null }, entry],
    [{ action: 'status', orders: number }, `{"${id}":${entry}}`],
    [{ action: 'multiStatus', orders: [number] }, `{"${id}":${entry}}`],
    [
      { action: 'multiStatus', orders: [number, '999999999'] },
      `{"${id}":${entry},"999999999":{"error":"Incorrect order ID"}}`,
    ],
    [
      { action: 'cancel', orders: [number] },
      `[{"order":${id},"error":"Order cannot be canceled"}]`,
    ],
  ] as const) {
    const reply = await json(body)
    assert.deepEqual([reply.status, reply.text], [200, expected], JSON.stringify(body))
  }
})

test('JSON: several values for one text are refused, and nothing is bought of them', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const before = await footprint(purser, customer.id)
  const { service, min } = (await servicesByType(purser)).get('Custom Comments')!
  const lines = Array.from({ length: Number(min) }, (_, at) => `line ${at}`)
  for (const comments of [lines, [lines.join('\n'), ''], []]) {
    const reply = await raw({
      path: '/api/v2',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: customer.key, action: 'add', service, link: LINK, comments }),
    })
    const expected = '{"error":"comments must be a text or a number"}'
    assert.deepEqual([reply.status, reply.text], [400, expected])
  }
  assert.deepEqual(await footprint(purser, customer.id), before)
})

test('empty runs and interval are as good as none', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  assertWire(
    await customer.panel({
      action: 'add',
      service: 1,
      link: LINK,
      quantity: 50,
      runs: '',
      interval: '',
    }),
    200,
    /^\{"order":\d+\}$/,
  )
})

test('bodies that are no form: 400 with an error, or 401 where no key came through', async () => {
  const { key } = await newCustomer(purser)
  const bad: readonly Raw[] = [
    { path: '', headers: { 'Content-Type': 'application/json' }, body: `{"key":"${key}"` },
    { path: '', headers: { 'Content-Type': 'application/json' }, body: '[1,2]' },
    { path: '', headers: { 'Content-Type': 'application/json' }, body: 'null' },
    { path: '', headers: { 'Content-Type': 'application/xml' }, body: '<key/>' },
    { path: '', headers: { 'Content-Type': 'multipart/form-data' }, body: `key=${key}` },
    {
      path: '',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key, action: { a: 1 } }),
    },
  ]
  for (const mount of MOUNTS) {
    for (const { headers = {}, body = '' } of bad) {
      const reply = await raw({ path: mount, headers, body })
      assert.ok(reply.status === 400 || reply.status === 401, `${body}: ${reply.status}`)
      assert.equal(reply.type, 'application/json; charset=utf-8')
      assert.match(reply.text, /^\{"error":"[^"]+"\}$/)
    }
  }
})
