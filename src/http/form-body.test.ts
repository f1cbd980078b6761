import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import fastify, { type FastifyInstance } from 'fastify'
import { Refusal } from '../core/refusal.ts'
import { acceptForms, fieldsOf } from './form-body.ts'

let app: FastifyInstance

before(() => {
  app = fastify()
  acceptForms(app)
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error instanceof Refusal ? 400 : (error.statusCode ?? 500)
    return reply.code(status).send({ refused: error.message })
  })
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    handler: (request) => ({ fields: Object.entries(fieldsOf(request)) }),
  })
})
after(() => app.close())

async function sent(o: {
  type?: string
  body?: string
  query?: string
}): Promise<{ status: number; fields: Record<string, string>; refused: string | undefined }> {
  const answer = await app.inject({
    method: 'POST',
    url: `/?${o.query ?? ''}`,
    headers: o.type === undefined ? {} : { 'content-type': o.type },
    ...(o.body === undefined ? {} : { payload: o.body }),
  })
  const { fields = [], refused } = answer.json()
  return { status: answer.statusCode, fields: Object.fromEntries(fields), refused }
}

const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'
const MULTIPART = 'multipart/form-data; boundary=x-boundary'

const multipart = (form: Readonly<Record<string, string>>): string =>
  `${Object.entries(form)
    .map(([name, text]) => {
      const head = `Content-Disposition: form-data; name="${name}"`
      return `--x-boundary\r\n${head}\r\n\r\n${text}\r\n`
    })
    .join('')}--x-boundary--\r\n`

const texts = fc
  .string({ unit: 'binary' })
  .filter((text) => text.isWellFormed() && !text.includes('x-boundary'))

test('every text arrives as it was sent, in every encoding', async () => {
  await fc.assert(
    fc.asyncProperty(texts, texts, async (link, comments) => {
      const form = { link, comments }
      const urlencoded = new URLSearchParams(form).toString()
      for (const [type, body] of [
        [FORM, urlencoded],
        [JSON_TYPE, JSON.stringify(form)],
        [MULTIPART, multipart(form)],
      ] as const) {
        assert.deepEqual((await sent({ type, body })).fields, form, type)
      }
      assert.deepEqual((await sent({ query: urlencoded })).fields, form)
    }),
    { numRuns: 60 },
  )
})

test('nothing that JSON can be is our fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 4 }), async (body) => {
      const { status, fields } = await sent({ type: JSON_TYPE, body })
      assert.ok(status === 200 || status === 400)
      for (const text of Object.values(fields)) assert.equal(typeof text, 'string')
    }),
    { numRuns: 150 },
  )
})

test('no garbage is our fault, whatever it says it is', async () => {
  const types = fc.constantFrom(FORM, JSON_TYPE, MULTIPART, 'multipart/form-data', 'text/xml', 'x')
  await fc.assert(
    fc.asyncProperty(types, fc.string({ unit: 'binary' }), async (type, body) => {
      assert.ok([200, 400, 415].includes((await sent({ type, body })).status))
    }),
    { numRuns: 150 },
  )
})

test('numbers and booleans are their texts; null is nothing', async () => {
  const body = '{"service":1,"quantity":1e3,"link":true,"runs":null,"answer_number":-0.5}'
  const { fields } = await sent({ type: JSON_TYPE, body })
  const expected = { service: '1', quantity: '1000', link: 'true', answer_number: '-0.5' }
  assert.deepEqual(fields, expected)
})

test('a field sent twice has its last value; the body wins over the query', async () => {
  const twice = await sent({ type: FORM, body: 'a=1&a=2', query: 'a=3&b=4&b=5' })
  assert.deepEqual(twice.fields, { a: '2', b: '5' })
  const body = `${multipart({ a: '1' }).replace('--x-boundary--\r\n', '')}${multipart({ a: '2' })}`
  assert.deepEqual((await sent({ type: MULTIPART, body })).fields, { a: '2' })
})

test('ids may be a list, in the ways that clients write lists', async () => {
  for (const [type, body] of [
    [JSON_TYPE, '{"orders":[1,"CR-202411-0001",3]}'],
    [FORM, 'orders=1,CR-202411-0001,3'],
    [FORM, 'orders[]=1&orders[]=CR-202411-0001&orders[]=3'],
    [FORM, 'orders[0]=1&orders[1]=CR-202411-0001&orders[2]=3'],
  ] as const) {
    assert.deepEqual((await sent({ type, body })).fields, { orders: '1,CR-202411-0001,3' }, body)
  }
})

test('what is neither text nor number is refused by its name', async () => {
  for (const body of ['{"link":{}}', '{"link":[[1]]}', '{"link":[{}]}', '{"orders":[[1]]}']) {
    const { status, refused } = await sent({ type: JSON_TYPE, body })
    assert.equal(status, 400)
    assert.match(refused ?? '', /^(link|orders|item) must be a text or a number$/)
  }
})

test('names of a prototype are names like others', async () => {
  const body = '{"__proto__":"a","constructor":"b","hasOwnProperty":"c"}'
  const { fields } = await sent({ type: JSON_TYPE, body })
  assert.deepEqual(Object.entries(fields), Object.entries(JSON.parse(body)))
  assert.equal(({} as Record<string, unknown>).a, undefined)
})

test('a form of too many parts is refused as a whole, none of it taken', async () => {
  const many = Object.fromEntries(Array.from({ length: 251 }, (_, at) => [`f${at}`, '1']))
  assert.equal((await sent({ type: MULTIPART, body: multipart(many) })).status, 400)
  const { f250: _, ...fits } = many
  assert.deepEqual((await sent({ type: MULTIPART, body: multipart(fits) })).fields, fits)
})
