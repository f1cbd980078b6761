// The yardstick: the same HTTP server and the same kind of body, and nothing done. Answers
// `{"order":1}` on /api/v2, on /recorded what BARE_ANSWER_FILE holds, and a million bytes on
// /megabyte, which are made once, as bytes: the fastest there is.
import { readFileSync } from 'node:fs'
import querystring from 'fast-querystring'
import fastify from 'fastify'

const app = fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser(
  'application/x-www-form-urlencoded',
  { parseAs: 'string' },
  (_request, body, done) => done(null, querystring.parse(body as string)),
)
const file = process.env.BARE_ANSWER_FILE
// As bytes: a text would have to be written as such for every answer.
const recorded = file === undefined ? Buffer.alloc(0) : readFileSync(file)
const JSON_TYPE = 'application/json; charset=utf-8'
app.get('/healthz', () => ({ ok: true }))
app.post('/api/v2', async (_request, reply) => reply.type(JSON_TYPE).send('{"order":1}'))
const megabyte = Buffer.alloc(1_000_000, '[{"service":"1","name":"Of a static list"}],')
app.post('/megabyte', async (_request, reply) => reply.type(JSON_TYPE).send(megabyte))
app.post('/recorded', async (_request, reply) => reply.type(JSON_TYPE).send(recorded))
process.once('SIGTERM', () => process.exit(0))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
