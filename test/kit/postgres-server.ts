/** A PostgreSQL of its own in a temporary folder, for a whole test run or for one file. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/db/embedded/embedded-postgres.ts'
import { readPostmasterFile } from '../../src/db/embedded/postmaster-process.ts'

export type TestConnection = EmbeddedPostgres['connection']

export interface TestServer {
  readonly connection: TestConnection
  stop(): Promise<void>
}

const QUIET = { info() {}, warn() {}, error() {} }

export async function startTestServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-test-'))
  chmodSync(folder, 0o711)
  const dataDir = join(folder, 'data')
  const server = await startEmbeddedPostgres({ dataDir, log: QUIET, durable: false })
  // A run that is broken off leaves neither a server nor a folder behind.
  function abandon(): void {
    const pid = readPostmasterFile(join(dataDir, 'postgres'))?.pid
    if (pid) process.kill(pid, 'SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', abandon)
  return {
    connection: server.connection,
    async stop() {
      await server.stop()
      process.off('exit', abandon)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
