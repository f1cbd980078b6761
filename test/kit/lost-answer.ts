/**
 * A way to PostgreSQL that loses an answer when asked to: the server has done what it was told,
 * and the connection breaks before its client hears of it.
 */
import { connect, createServer, type Socket } from 'node:net'
import type { TestConnection } from './postgres-server.ts'

export interface LossyWay {
  readonly connection: TestConnection
  /**
   * Breaks the connection that next sends `text`, once the server has answered it in full.
   * `meanwhile` runs between the answer and the break. Resolves when it has happened.
   */
  loseAnswerTo(text: string, meanwhile?: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** What a server sends when a command has ended and no transaction is open: the commit is done. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

interface Loss {
  readonly text: string
  readonly meanwhile: () => Promise<void>
  readonly happened: () => void
}

export async function lossyWay(to: TestConnection): Promise<LossyWay> {
  let armed: Loss | undefined
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = to.host.startsWith('/')
      ? connect(`${to.host}/.s.PGSQL.${to.port}`)
      : connect(to.port, to.host)
    let losing: Loss | undefined
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (armed !== undefined && chunk.includes(armed.text)) {
        losing = armed
        armed = undefined
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (losing === undefined) client.write(chunk)
      else if (chunk.subarray(-READY.length).equals(READY)) {
        const { meanwhile, happened } = losing
        void meanwhile().finally(() => {
          client.destroy()
          happened()
        })
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    connection: { ...to, host: '127.0.0.1', port: address.port },
    loseAnswerTo: (text, meanwhile = async () => {}) =>
      new Promise((happened) => {
        armed = { text, meanwhile, happened }
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
