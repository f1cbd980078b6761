/**
 * One Purser per DATA_DIR. The lock is the kernel's own advisory file lock, reached through SQLite
 * because Node has no call for it: it is atomic between two simultaneous starts and it ends with
 * its process, even after `kill -9`, so that there is no stale lock to recognise. Nothing is ever
 * written to the locked file; the process id for the message lives in a file of its own, because
 * closing any other descriptor of a locked file would give the lock up.
 */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartupError } from '../../lib/startup-error.ts'

const SQLITE_BUSY = 5

export interface DataDirLock {
  release(): void
}

/** Refuses with a StartupError when another living process holds DATA_DIR. */
export function lockDataDir(dataDir: string): DataDirLock {
  const ownerFile = join(dataDir, 'purser.pid')
  let database: DatabaseSync | undefined
  try {
    const file = join(dataDir, 'purser.lock')
    database = new DatabaseSync(file, { timeout: 0 })
    chmodSync(file, 0o600)
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new StartupError(
        `Another Purser${readOwner(ownerFile)} is running on DATA_DIR ${dataDir}: ` +
          'stop it, or set another DATA_DIR.',
      )
    }
    throw new StartupError(`Cannot lock DATA_DIR ${dataDir}: ${(error as Error).message}.`)
  }
  const held = database
  writeFileSync(ownerFile, `${process.pid}\n`, { mode: 0o600 })
  let released = false
  return {
    release() {
      if (released) return
      released = true
      rmSync(ownerFile, { force: true })
      held.close()
    },
  }
}

function readOwner(ownerFile: string): string {
  try {
    return ` (process ${Number.parseInt(readFileSync(ownerFile, 'utf8'), 10)})`
  } catch {
    return ''
  }
}
