import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

const LAST_REQUEST_MS = 500
const POLL_MS = 10

/**
 * A client that keeps its connection may have sent the next request before it can know that we
 * stop; closing the connection between two requests would lose it. So a server that closes first
 * answers such requests, with `Connection: close`, and only then cuts the connections that stay
 * silent, those on which nothing was ever asked too: the HTTP server itself would wait for them.
 */
export function answerBeforeClosing(
  app: FastifyInstance,
  lastRequestMs: number = LAST_REQUEST_MS,
): void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', (request) => silent.delete(request.socket))
  app.addHook('preClose', (done) => {
    const deadline = Date.now() + lastRequestMs
    const look = () => {
      app.server.getConnections((error, open) => {
        if (!error && open > 0 && Date.now() < deadline) {
          setTimeout(look, POLL_MS)
          return
        }
        for (const socket of silent) socket.destroy()
        done()
      })
    }
    if (app.server.listening) look()
    else done()
  })
}
