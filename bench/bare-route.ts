// The yardstick: the same HTTP server and the same kind of body, and nothing done. Answers
// `{"order":1}` on /api/v2, and on /recorded what BARE_ANSWER_FILE holds.
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
const recorded = file === undefined ? '' : readFileSync(file, 'utf8')
const JSON_TYPE = 'application/json; charset=utf-8'
app.get('/healthz', () => ({ ok: true }))
app.post('/api/v2', async (_request, reply) => reply.type(JSON_TYPE).send('{"order":1}'))
app.post('/recorded', async (_request, reply) => reply.type(JSON_TYPE).send(recorded))
process.once('SIGTERM', () => process.exit(0))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
