/** The life of the embedded server: starts, kills, restarts. Each case runs real processes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import {
  type EmbeddedProcess,
  endServerOf,
  postmasterPid,
  query,
  runEmbedded,
} from '../../../test/kit/embedded-process.ts'
import { findRunningPostgres } from './embedded-postgres.ts'
import { signalProcess } from './postmaster-process.ts'

/** A DATA_DIR, and processes on it that are all ended with the test. */
function scene(t: TestContext): { dataDir: string; run(): EmbeddedProcess } {
  const folder = mkdtempSync(join(tmpdir(), 'purser-life-'))
  const dataDir = join(folder, 'data')
  const running: EmbeddedProcess[] = []
  t.after(async () => {
    for (const child of running) await child.end('SIGKILL')
    await endServerOf(dataDir)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    dataDir,
    run() {
      const child = runEmbedded(dataDir)
      running.push(child)
      return child
    },
  }
}

const WRITE = `CREATE TABLE IF NOT EXISTS kept (id integer);
               INSERT INTO kept SELECT count(*) FROM kept`
const COUNT = 'SELECT count(*)::integer AS rows FROM kept'

test('a first start makes a durable server, a second one finds it again', async (t) => {
  const { dataDir, run } = scene(t)
  const first = run()
  const { startedAs, connection, version } = await first.next('started')
  assert.equal(startedAs, 'created')
  assert.match(version, /^18\./)
  const [settings] = await query(
    connection,
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
            current_setting('synchronous_commit') AS commit,
            current_setting('password_encryption') AS password,
            current_setting('wal_level') AS wal, current_setting('jit') AS jit,
            pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider,
            datlocale AS locale
     FROM pg_database WHERE datname = current_database()`,
  )
  assert.deepEqual(settings, {
    ...{ fsync: 'on', pages: 'on', commit: 'on', password: 'scram-sha-256' },
    ...{ wal: 'minimal', jit: 'off', encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' },
  })
  await assert.rejects(query({ ...connection, password: 'wrong' }, 'SELECT 1'), { code: '28P01' })
  assert.deepEqual(findRunningPostgres(dataDir), connection)
  for (const name of ['postgres-password', 'postgres.log']) {
    assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name)
  }
  await query(connection, WRITE)
  assert.equal(await first.end('SIGTERM'), 0)
  assert.equal(existsSync(join(dataDir, 'postgres', 'postmaster.pid')), false)
  assert.equal(findRunningPostgres(dataDir), undefined)

  const second = run()
  const again = await second.next('started')
  assert.equal(again.startedAs, 'started')
  assert.deepEqual(await query(again.connection, COUNT), [{ rows: 1 }])
  assert.equal(await second.end('SIGTERM'), 0)
})

test('a killed Purser leaves a server that the next one adopts and watches', async (t) => {
  const { dataDir, run } = scene(t)
  const killed = run()
  await query((await killed.next('started')).connection, WRITE)
  const pid = postmasterPid(dataDir)!
  await killed.end('SIGKILL')

  const next = run()
  const { startedAs, connection } = await next.next('started')
  assert.equal(startedAs, 'adopted')
  assert.equal(postmasterPid(dataDir), pid)
  await query(connection, WRITE)
  signalProcess(pid, 'SIGKILL')
  await next.next('lost')
  await next.next('restarted')
  assert.deepEqual(await query(connection, COUNT), [{ rows: 2 }])
  assert.equal(await next.end('SIGTERM'), 0)
})

test('a server with other settings is not adopted but started anew', async (t) => {
  const { dataDir, run } = scene(t)
  const killed = run()
  await query((await killed.next('started')).connection, WRITE)
  const pid = postmasterPid(dataDir)
  await killed.end('SIGKILL')
  appendFileSync(join(dataDir, 'postgres', 'purser.conf'), '# of an earlier version\n')

  const next = run()
  const { startedAs, connection } = await next.next('started')
  assert.equal(startedAs, 'recovered')
  assert.notEqual(postmasterPid(dataDir), pid)
  assert.deepEqual(await query(connection, COUNT), [{ rows: 1 }])
})

test('a server that is killed again and again is started again', async (t) => {
  const { dataDir, run } = scene(t)
  const child = run()
  const { connection } = await child.next('started')
  for (let round = 1; round <= 3; round++) {
    await query(connection, WRITE)
    // A backend that is busy does not notice at once that its server is gone.
    const busy = query(connection, 'SELECT count(*) FROM generate_series(1, 100000000)')
    busy.catch(() => {})
    signalProcess(postmasterPid(dataDir)!, 'SIGKILL')
    assert.match((await child.next('lost')).reason, /killed/)
    await child.next('restarted')
    await assert.rejects(busy)
    assert.deepEqual(await query(connection, COUNT), [{ rows: round }])
  }
  assert.equal(await child.end('SIGTERM'), 0)
})

test('Purser and its server both killed: the next start recovers', async (t) => {
  const { dataDir, run } = scene(t)
  const killed = run()
  await query((await killed.next('started')).connection, WRITE)
  const pid = postmasterPid(dataDir)!
  await killed.end('SIGKILL')
  signalProcess(pid, 'SIGKILL')

  const { startedAs, connection } = await run().next('started')
  assert.equal(startedAs, 'recovered')
  assert.deepEqual(await query(connection, COUNT), [{ rows: 1 }])
})

test('a stale pid file whose number another process has now does not fool it', async (t) => {
  const { dataDir, run } = scene(t)
  const killed = run()
  const { connection } = await killed.next('started')
  await query(connection, WRITE)
  const pid = postmasterPid(dataDir)!
  await killed.end('SIGKILL')
  signalProcess(pid, 'SIGKILL')

  const stranger = spawn('sleep', ['600'], { stdio: 'ignore' })
  t.after(() => stranger.kill('SIGKILL'))
  replacePid(join(dataDir, 'postgres', 'postmaster.pid'), stranger.pid!)
  replacePid(`${connection.host}/.s.PGSQL.5432.lock`, stranger.pid!)

  const next = run()
  const started = await next.next('started')
  assert.equal(started.startedAs, 'recovered')
  assert.deepEqual(await query(started.connection, COUNT), [{ rows: 1 }])
  assert.equal(await next.end('SIGTERM'), 0)
  assert.equal(stranger.exitCode, null)
  assert.equal(stranger.signalCode, null)
})

test('of several started at once one gets DATA_DIR, a killed holder blocks nobody', async (t) => {
  const { dataDir, run } = scene(t)
  for (const expected of ['created', 'adopted']) {
    const children = Array.from({ length: 4 }, run)
    const said = await Promise.all(children.map((child) => child.first()))
    const started = said.filter((line) => line.event === 'started')
    assert.deepEqual(
      started.map((line) => line.detail.startedAs),
      [expected],
    )
    for (const { detail } of said.filter((line) => line.event === 'refused')) {
      assert.equal(detail.name, 'StartupError')
      assert.match(detail.message, /^Another Purser.* is running on DATA_DIR .*$/)
    }
    assert.ok(postmasterPid(dataDir))
    for (const child of children) await child.end('SIGKILL')
  }
})

test('a start that is killed half way leaves nothing in the way of the next', async (t) => {
  const { dataDir, run } = scene(t)
  const child = run()
  while (!existsSync(dataDir) || !readdirSync(dataDir).some((name) => name.includes('.new-'))) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await child.end('SIGKILL')
  const next = run()
  assert.equal((await next.next('started')).startedAs, 'created')
  assert.equal(await next.end('SIGTERM'), 0)
  assert.equal(
    readdirSync(dataDir).some((name) => name.includes('.new-')),
    false,
  )
})

test('Ctrl-C on the terminal does not reach the server', async (t) => {
  const { dataDir } = scene(t)
  const child = runEmbedded(dataDir, { spawn: { detached: true } })
  t.after(() => child.end('SIGKILL'))
  const { connection } = await child.next('started')
  process.kill(-child.process.pid!, 'SIGINT')
  await child.next('interrupted')
  assert.deepEqual(await query(connection, 'SELECT 1 AS one'), [{ one: 1 }])
  assert.equal(await child.end('SIGTERM'), 0)
})

test('a cluster of another PostgreSQL is refused with the way out', async (t) => {
  const { dataDir, run } = scene(t)
  const first = run()
  await first.next('started')
  await first.end('SIGTERM')
  const file = join(dataDir, 'postgres', 'PG_VERSION')
  for (const major of ['17', '19']) {
    writeFileSync(file, `${major}\n`)
    const refused = await run().next('refused')
    assert.equal(refused.name, 'StartupError')
    assert.match(refused.message, new RegExp(`PostgreSQL ${major} .*purser backup.*purser restore`))
  }
})

function replacePid(file: string, pid: number): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, [pid, ...lines.slice(1)].join('\n'))
}
