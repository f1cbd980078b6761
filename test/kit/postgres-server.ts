/** A PostgreSQL of its own in a temporary folder, for a whole test run or for one file. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/db/embedded/embedded-postgres.ts'

export type TestConnection = EmbeddedPostgres['connection']

export interface TestServer {
  readonly connection: TestConnection
  stop(): Promise<void>
}

const QUIET = { info() {}, warn() {}, error() {} }

export async function startTestServer(): Promise<TestServer> {
  const folder = mkdtempSync(join(quickFolder(), 'purser-test-'))
  chmodSync(folder, 0o711)
  guard(folder)
  const dataDir = join(folder, 'data')
  const server = await startEmbeddedPostgres({ dataDir, log: QUIET, durable: false })
  return {
    connection: server.connection,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const SHARED_MEMORY = '/dev/shm'
const ROOM_BYTES = 4 * 1024 ** 3

/**
 * Where hundreds of databases are made and dropped in a tenth of the time: in memory, where the
 * system has such a place with room to spare.
 */
function quickFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY)
    return bavail * bsize >= ROOM_BYTES ? SHARED_MEMORY : tmpdir()
  } catch {
    return tmpdir()
  }
}

/**
 * A run that is broken off, even by `kill -9`, leaves neither a server nor a folder: the guard
 * waits for the end of a pipe that only this process holds.
 */
function guard(folder: string): void {
  const script = `cat > /dev/null
    pid=$(head -n 1 "$1/data/postgres/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" && sleep 1
    rm -rf "$1"`
  const child = spawn('sh', ['-c', script, 'sh', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  ;(child.stdin as Socket).unref()
}
