import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import test from 'node:test'
import fastify from 'fastify'
import { answerBeforeClosing } from './drain.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: purser\r\n\r\n'

/** Longer than any machine takes to send a request; the server waits no longer than it must. */
const PATIENCE_MS = 60_000

async function serve(o: { lastRequestMs: number }) {
  const app = fastify({ forceCloseConnections: 'idle', return503OnClosing: false })
  answerBeforeClosing(app, o.lastRequestMs)
  app.get('/', () => 'here')
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return { app, connect: () => connect(port, '127.0.0.1') }
}

test('a request on a kept connection is answered while the server closes', async () => {
  const server = await serve({ lastRequestMs: PATIENCE_MS })
  const kept = server.connect()
  kept.write(REQUEST)
  const [first] = await once(kept, 'data')
  assert.match(String(first), /^HTTP\/1.1 200/)
  assert.match(String(first), /connection: keep-alive/i)
  const closed = server.app.close()
  kept.write(REQUEST)
  const [last] = await once(kept, 'data')
  assert.match(String(last), /^HTTP\/1.1 200/)
  assert.match(String(last), /connection: close/i)
  await closed
})

test('a connection on which nothing was ever asked does not keep the server', async () => {
  const server = await serve({ lastRequestMs: 0 })
  const silent = server.connect()
  await once(silent, 'connect')
  const cut = once(silent, 'close')
  silent.resume()
  await server.app.close()
  await cut
})
