import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import test from 'node:test'
import fastify from 'fastify'
import { answerBeforeClosing } from './drain.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: purser\r\n\r\n'

test('a request on a kept connection is answered while the server closes', async () => {
  const app = fastify({ forceCloseConnections: 'idle', return503OnClosing: false })
  answerBeforeClosing(app)
  app.get('/', () => 'here')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const kept = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  kept.write(REQUEST)
  const [first] = await once(kept, 'data')
  assert.match(String(first), /^HTTP\/1.1 200/)
  assert.match(String(first), /connection: keep-alive/i)

  const silent = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  await once(silent, 'connect')
  const cut = once(silent, 'close')
  silent.resume()
  const closed = app.close()
  kept.write(REQUEST)
  const [last] = await once(kept, 'data')
  assert.match(String(last), /^HTTP\/1.1 200/)
  assert.match(String(last), /connection: close/i)
  await closed
  await cut
})
