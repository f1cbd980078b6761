/**
 * A process that does nothing but hold an embedded PostgreSQL, for tests that kill it. Says what
 * happens in lines of JSON; SIGTERM stops it in order.
 */
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const dataDir = process.argv[2]
if (!dataDir) throw new Error('usage: embedded-child.ts DATA_DIR')
try {
  const server = await startEmbeddedPostgres({
    dataDir,
    log: { info() {}, warn() {}, error() {} },
  })
  for (const event of ['lost', 'restarted', 'failed'] as const) {
    server.on(event, (detail) => say({ event, detail }))
  }
  const hold = setInterval(() => {}, 60_000)
  process.on('SIGINT', () => say({ event: 'interrupted', detail: {} }))
  process.once('SIGTERM', async () => {
    await server.stop()
    clearInterval(hold)
    say({ event: 'stopped', detail: {} })
  })
  const { startedAs, version, connection } = server
  say({ event: 'started', detail: { startedAs, version, connection } })
} catch (error) {
  const { name, message } = error as Error
  say({ event: 'refused', detail: { name, message } })
  process.exitCode = 1
}
