/** Bodies and headers that no client should send: never a 500, never an effect. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'
import { footprint, newCustomer } from '../kit/shop.ts'

const purser = await startTestPurser()
const customer = await newCustomer(purser, { credit: '100.00' })
const clean = await footprint(purser, customer.id)
after(() => purser.stop())

const KEY = customer.key
const ADD = `key=${KEY}&action=add&service=1&link=x&quantity=100`
const FORM = 'application/x-www-form-urlencoded'
const MULTIPART = 'multipart/form-data; boundary=x'
const PATHS = ['/api/v2', '/app/api/v2'] as const
const BIG = 'a'.repeat(2 * 1024 * 1024)

interface Body {
  readonly type: string | null
  readonly body: string | Uint8Array<ArrayBuffer>
  /** 200 where it is odd but means `balance`. */
  readonly status: 200 | 400 | 401
}

const json = (body: string, status: Body['status'] = 400): Body => {
  return { type: 'application/json', body, status }
}
const part = (name: string, value: string, more = ''): string =>
  `--x\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const parts = (text: string, status: Body['status'] = 400): Body => {
  return { type: MULTIPART, body: text, status }
}
const many = (count: number, one: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => one(at)).join('')
const nested = (open: string, close: string): string =>
  `{"key":"${KEY}","action":"balance","x":${open.repeat(150_000)}1${close.repeat(150_000)}}`

const BODIES: Readonly<Record<string, Body>> = {
  'an array': json('[]'),
  'an array of requests': json(`[{"key":"${KEY}","action":"balance"}]`),
  'a string': json('"x"'),
  'a number': json('5'),
  true: json('true'),
  'null is an empty request': json('null', 401),
  'an empty object': json('{}', 401),
  'broken JSON': json('{'),
  'JSON and more': json('{}{}'),
  'JSON with a comma too many': json(`{"key":"${KEY}",}`),
  'NaN in JSON': json(`{"key":"${KEY}","action":"balance","quantity":NaN}`),
  'bytes that are not UTF-8': {
    type: 'application/json',
    body: new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
    status: 400,
  },
  'an object as a field': json(`{"key":"${KEY}","action":"balance","link":{"a":1}}`),
  'an object as the key': json(`{"key":{"a":1},"action":"balance"}`),
  'a deep list': json(nested('[', ']')),
  'a deep object': json(nested('{"a":', '}')),
  'a prototype to inherit the key from': json(`{"__proto__":{"key":"${KEY}"},"action":"balance"}`),
  'names of a prototype': json(
    `{"__proto__":"x","constructor":"y","toString":"z","key":"${KEY}","action":"balance"}`,
    200,
  ),
  'names of a prototype in a form': {
    type: FORM,
    body: `__proto__=x&constructor=y&hasOwnProperty=z&key=${KEY}&action=balance`,
    status: 200,
  },
  'names of a prototype in multipart': parts(
    `${part('__proto__', 'x')}${part('constructor', 'y')}${part('key', KEY)}${part('action', 'balance')}--x--`,
    200,
  ),
  'fields without end in a form': {
    type: FORM,
    body: `key=${KEY}&action=balance${many(50_000, (at) => `&f${at}=1`)}`,
    status: 200,
  },
  'fields without end in JSON': json(
    `{"key":"${KEY}","action":"balance"${many(30_000, (at) => `,"f${at}":1`)}}`,
    200,
  ),
  'fields without end in multipart': parts(
    `${part('key', KEY)}${part('action', 'balance')}${many(2_000, (at) => part(`f${at}`, '1'))}--x--`,
  ),
  'one field, again and again': {
    type: FORM,
    body: `key=wrong${`&key=${KEY}`.repeat(1_000)}&action=services&action=balance`,
    status: 200,
  },
  'percent signs that stand for nothing': { type: FORM, body: `%%=%zz&key=${KEY}%&%`, status: 401 },
  'only separators': { type: FORM, body: '&=&=&&&;;;===', status: 401 },
  'a form of two megabytes': { type: FORM, body: `${ADD}&x=${BIG}`, status: 400 },
  'JSON of two megabytes': json(`{"key":"${KEY}","action":"add","x":"${BIG}"}`),
  'multipart of two megabytes': parts(`${part('key', KEY)}${part('x', BIG)}--x--`),
  'an untyped body of two megabytes': { type: null, body: BIG, status: 400 },
  'empty multipart': parts(''),
  'multipart without its boundary': parts('garbage'),
  'multipart that names no boundary': { type: 'multipart/form-data', body: 'abc', status: 400 },
  'multipart cut off': parts(part('key', KEY).slice(0, -4)),
  'a part without a name': parts(`--x\r\n\r\n${KEY}\r\n--x--`, 401),
  'a part of headers only': parts(`--x\r\n${'A: b\r\n'.repeat(30_000)}\r\n${KEY}\r\n--x--`, 401),
  'the key as a file': parts(`${part('key', KEY, '; filename="k.txt"')}--x--`, 401),
  'a name with a null byte': parts(`${part('key\0', KEY)}--x--`, 401),
  'plain text': { type: 'text/plain', body: ADD, status: 400 },
  XML: { type: 'application/xml', body: '<key/>', status: 400 },
  'a type that is none': { type: ';;;', body: ADD, status: 400 },
  'a type without end': { type: 'a'.repeat(5_000), body: ADD, status: 400 },
  'a form said to be JSON': json(ADD),
  'JSON said to be a form': { type: FORM, body: `{"key":"${KEY}"}`, status: 401 },
}

const post = async (path: string, { type, body }: Omit<Body, 'status'>): Promise<Answer> => {
  const blob = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const headers = type === null ? {} : { 'content-type': type }
  return readAnswer(await fetch(`${purser.url}${path}`, { method: 'POST', headers, body: blob }))
}

for (const path of PATHS) {
  for (const [name, body] of Object.entries(BODIES)) {
    test(`${path}: ${name}`, async () => {
      const answer = await post(path, body)
      assert.equal(answer.status, body.status, answer.text)
      assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
      if (body.status === 200) assert.match(answer.text, /^\{"balance":/)
      else assert.match(answer.text, /^\{"error":"[^"]+"\}$/)
      assert.deepEqual(await footprint(purser, customer.id), clean)
    })
  }
}

/** Sends bytes as they are; tells the first line of what comes back before the connection ends. */
async function raw(bytes: string): Promise<string> {
  return (await rawAnswer(bytes)).split('\r\n')[0] ?? ''
}

/** Sends bytes as they are; tells all that comes back before the connection ends. */
function rawAnswer(bytes: string): Promise<string> {
  const { hostname, port } = new URL(purser.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    // A server that has had enough may reset the connection: it closes all the same.
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.end(Buffer.from(bytes, 'latin1'))
  })
}

const rawAdd = (headers: string): string =>
  `POST /api/v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${FORM}\r\n` +
  `Content-Length: ${ADD.length}\r\n${headers}\r\n${ADD}`

test('an Idempotency-Key that cannot be one is refused, and places nothing', async () => {
  const bad = ['a'.repeat(256), 'a b', 'é', '\x80', '\ta\tb', 'a, b']
  for (const value of bad) {
    const line = await raw(rawAdd(`Idempotency-Key: ${value}\r\n`))
    assert.match(line, /^HTTP\/1\.1 400 /, JSON.stringify(value).slice(0, 40))
  }
  // Two of them: nobody can tell which one is meant.
  const two = await raw(rawAdd('Idempotency-Key: a\r\nIdempotency-Key: b\r\n'))
  assert.match(two, /^HTTP\/1\.1 400 /)
  assert.match(await raw(rawAdd('Idempotency-Key: a\0b\r\n')), /^HTTP\/1\.1 400 /)
  assert.match(await raw(rawAdd(`Idempotency-Key: ${'a'.repeat(20_000)}\r\n`)), / 431 /)
  assert.deepEqual(await footprint(purser, customer.id), clean)
})

test('requests that are not HTTP, or end early, harm nobody', async () => {
  for (const bytes of [
    'GARBAGE\r\n\r\n',
    'POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n',
    `POST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n${ADD}\r\n0\r\n\r\n`,
    `GET /api/v2?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ]) {
    assert.match(await raw(bytes), /^HTTP\/1\.1 4\d\d /, bytes.slice(0, 60))
  }
  // A body shorter than it was said to be is no request.
  await raw(rawAdd('').replace(/Content-Length: \d+/, 'Content-Length: 5000'))
  const multipart = `${part('key', KEY)}${part('action', 'add')}`
  await raw(
    `POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Type: ${MULTIPART}\r\n` +
      `Content-Length: 5000\r\n\r\n${multipart}`,
  )
  assert.deepEqual(await footprint(purser, customer.id), clean)
})

test('what no route can be asked still has a request id and a body that says why', async () => {
  for (const bytes of [
    'GARBAGE\r\n\r\n',
    `GET /api/v2?${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'GET http://[/api/v2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ]) {
    const text = await rawAnswer(bytes)
    assert.match(text, /^HTTP\/1\.1 4\d\d /)
    assert.match(text, /\r\nx-request-id: req_\w+\r\n/i)
    assert.match(text, /\r\n\r\n\{"error":"[^"]+"\}$/)
  }
})

test('methods and paths that there are not are no 500', async () => {
  for (const path of PATHS) {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const outgoing = request(`${purser.url}${path}`, { method }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        outgoing.on('error', reject)
        outgoing.end()
      })
      assert.ok(status !== undefined && status >= 400 && status < 500, `${method} ${status}`)
    }
    for (const beside of [`${path}%zz`, `${path}/%00`, `${path}/../../etc/passwd`, `/${path}`]) {
      const { status } = await fetch(`${purser.url}${beside}`)
      assert.ok(status >= 400 && status < 500, `${beside} ${status}`)
    }
  }
})

test('after all of it a plain request is served, and the books balance', async () => {
  assert.equal((await post('/api/v2', { type: FORM, body: ADD })).status, 200)
  await assertBooksBalance(purser)
})
