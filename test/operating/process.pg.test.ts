import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import manifest from '../../package.json' with { type: 'json' }
import { testDatabase } from '../kit/postgres.ts'
import { type SpawnedPurser, spawnTestPurser } from '../kit/purser.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = join(ROOT, 'bin/purser.mjs')

/** Runs one command of Purser to its end. */
function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, ...env } })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      err += String(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

function assertOneLine(ended: { code: number | null; err: string }, says: RegExp): void {
  assert.equal(ended.code, 1)
  assert.match(ended.err, says)
  assert.equal(ended.err.trim().split('\n').length, 1, ended.err)
}

describe('bad configuration is one clear line and exit code 1', () => {
  test('of the environment', async () => {
    assertOneLine(await run(['serve'], { PORT: '99999' }), /^purser: PORT must be a whole number/)
  })
  test('of a database that is not there', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/x' }
    assertOneLine(await run(['serve'], env), /DATABASE_URL: the database cannot be reached/)
  })
  test('an unknown command shows the commands', async () => {
    const ended = await run(['sell'])
    assert.equal(ended.code, 1)
    assert.match(ended.out, /purser backup FILE/)
  })
})

describe('a database that would lose money is refused', () => {
  test('fsync=off', async (t) => {
    const database = await testDatabase()
    t.after(() => database.drop())
    assertOneLine(await run(['serve'], { DATABASE_URL: database.url, PORT: '0' }), /fsync=off/)
  })
  test('a schema that a newer version has changed', async (t) => {
    const database = await testDatabase()
    t.after(() => database.drop())
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query("insert into migration (number, name) values (9000, '9000_later.sql')")
    await client.end()
    const env = { DATABASE_URL: database.url, PORT: '0', PURSER_ALLOW_FSYNC_OFF: '1' }
    assertOneLine(await run(['serve'], env), /the database has schema 9000/)
  })
})

describe('a process on its own database', () => {
  let dataDir: string
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'purser operating '))
  })
  after(() => rm(dataDir, { recursive: true, force: true }))

  function start(): Promise<{ welcome: string; url: string; stop(): Promise<number | null> }> {
    const env = { ...process.env, DATA_DIR: dataDir, PORT: '0', DATABASE_URL: '' }
    // As npm does: a shell, which must not stand between a signal and Purser.
    const child = spawn('sh', ['-c', manifest.scripts.start], {
      cwd: ROOT,
      env: { ...env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    return new Promise((resolve, reject) => {
      child.stderr.on('data', (chunk) => {
        text += String(chunk)
        const url = /Purser answers at (\S+)/.exec(text)?.[1]
        if (!url || !text.endsWith('\n')) return
        const ended = new Promise<number | null>((end) => child.once('close', end))
        resolve({
          welcome: text,
          url,
          stop() {
            child.kill('SIGTERM')
            return ended
          },
        })
      })
      child.once('close', (code) => reject(new Error(`ended with ${code}: ${text}`)))
    })
  }

  test('shows lines that work when pasted; a second one on the folder is told so', async () => {
    const first = await start()
    const demo = JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8'))
    assert.equal((await stat(join(dataDir, 'demo.json'))).mode & 0o777, 0o600)
    assert.ok(first.welcome.includes(demo.operator.password))
    assert.ok(first.welcome.includes(demo.customers[0].email))
    const lines = first.welcome.split('\n').filter((line) => line.trim().startsWith('curl '))
    // The five APIs and the operator's.
    assert.equal(lines.length, 6)
    for (const line of lines) {
      const shell = spawn('sh', ['-c', `${line} --silent --show-error --fail`])
      const code = await new Promise((end) => shell.once('close', end))
      assert.equal(code, 0, line)
    }
    assertOneLine(await run(['serve'], { DATA_DIR: dataDir, PORT: '0' }), /Purser.*running|in use/i)
    const elsewhere = await mkdtemp(join(tmpdir(), 'purser-elsewhere-'))
    const taken = { DATA_DIR: elsewhere, PORT: new URL(first.url).port }
    assertOneLine(await run(['serve'], taken), /is taken by another program: choose another PORT/)
    await rm(elsewhere, { recursive: true, force: true })
    assert.equal(await first.stop(), 0)

    const second = await start()
    const again = JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8'))
    assert.deepEqual({ ...again, url: '' }, { ...demo, url: '' })
    assert.equal(await second.stop(), 0)
  })
})

describe('SIGTERM drains', () => {
  let purser: SpawnedPurser
  before(async () => {
    purser = await spawnTestPurser()
  })
  after(() => purser.stop())

  test('what was accepted is answered, then exit code 0', async () => {
    const customer = purser.demo.customers[0]
    assert.ok(customer)
    const asked = Array.from({ length: 40 }, (_, i) =>
      purser.panel({
        action: 'add',
        service: 1,
        link: `https://example.com/${i}`,
        quantity: 50,
      }),
    )
    await asked[0]
    const [ended, answers] = await Promise.all([purser.kill('SIGTERM'), Promise.allSettled(asked)])
    assert.equal(ended.code, 0)
    const placed = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? [(answer.value.json as { order: number }).order] : [],
    )
    const { rows } = await purser.pool.query<{ id: bigint }>('select id from service_order')
    const stored = new Set(rows.map((row) => Number(row.id)))
    // Every order that was answered is there, and none is there that nobody was told of.
    assert.deepEqual(
      placed.filter((order) => !stored.has(order)),
      [],
    )
    assert.equal(stored.size, placed.length)
  })
})
