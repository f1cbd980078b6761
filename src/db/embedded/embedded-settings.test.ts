import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { findFailure, trimServerLog } from './server-log.ts'
import { renderServerSettings } from './server-settings.ts'

const GIB = 1024 ** 3

test('a server is durable and sized for its machine', () => {
  const small = renderServerSettings({ memoryBytes: GIB, diskBytes: 10 * GIB }, true)
  for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    assert.match(small, new RegExp(`^${name} = 'on'$`, 'm'))
  }
  assert.match(small, /^shared_buffers = '256MB'$/m)
  assert.match(small, /^max_wal_size = '1024MB'$/m)
  const large = renderServerSettings({ memoryBytes: 64 * GIB, diskBytes: 999 * GIB }, true)
  assert.match(large, /^shared_buffers = '1024MB'$/m)
  assert.match(large, /^max_wal_size = '4096MB'$/m)
})

test('the reason of an end is a full disk first, then the last fatal line of the server', () => {
  const fatal =
    '2026-01-01 00:00:00.000 UTC [7] FATAL:  could not create lock file "x": Permission denied\n'
  assert.equal(findFailure(fatal), 'could not create lock file "x": Permission denied')
  const session = '2026-01-01 00:00:00.000 UTC [7] FATAL:  the database system is starting up\n'
  assert.equal(findFailure(fatal + session), findFailure(fatal))
  const full =
    '2026-01-01 00:00:00.000 UTC [7] PANIC:  could not write to file "x": No space left on device\n'
  assert.match(findFailure(full + fatal)!, /No space left on device$/)
  assert.equal(
    findFailure('initdb: error: program not found\n'),
    'initdb: error: program not found',
  )
  assert.equal(findFailure('2026-01-01 00:00:00.000 UTC [7] LOG:  ready\n'), undefined)
})

test('a long server log is cut to nothing and its text kept once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'purser-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const log = join(folder, 'postgres.log')
  trimServerLog(log)
  writeFileSync(log, 'short\n')
  trimServerLog(log)
  assert.equal(readFileSync(log, 'utf8'), 'short\n')
  appendFileSync(log, Buffer.alloc(11 * 1024 * 1024, 'x'))
  trimServerLog(log)
  assert.equal(readFileSync(log, 'utf8'), '')
  assert.match(readFileSync(`${log}.1`, 'utf8').slice(0, 6), /short/)
})
