import { createServer } from 'node:net'

/** Below the ports that systems give out by themselves: none of those is ever one of these. */
const FIRST_PORT = 12_000
const PROCESSES = 2_000
const PORTS_EACH = 10

let taken = 0

/**
 * A port of 127.0.0.1 for a program that this process starts, now and whenever it starts it again:
 * no other test file is given it meanwhile, nor is it a connection's.
 */
export async function ownPort(): Promise<number> {
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = FIRST_PORT + (process.pid % PROCESSES) * PORTS_EACH + (taken++ % PORTS_EACH)
    if (await isFree(port)) return port
  }
  throw new Error('somebody listens on all ports of this process')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
