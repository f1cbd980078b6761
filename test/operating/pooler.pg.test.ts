import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { checkServer } from '../../src/db/check-server.ts'
import { ownPort } from '../kit/own-port.ts'
import { testDatabase } from '../kit/postgres.ts'
import { missing } from '../kit/program.ts'

const skip = await missing('pgbouncer', { probe: ['--version'], name: 'pgbouncer' })
const ATTEMPTS_MAX = 2_400

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await pause(50)
  }
  throw new Error('pgbouncer does not listen')
}

for (const { mode, refused } of [
  { mode: 'transaction', refused: true },
  { mode: 'session', refused: false },
]) {
  test(`a pooler by ${mode} is ${refused ? 'refused' : 'taken'}`, { skip }, async (t) => {
    const database = await testDatabase()
    t.after(() => database.drop())
    const folder = await mkdtemp(join(tmpdir(), 'purser-pooler-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await chmod(folder, 0o755)
    const port = await ownPort()
    const { host, port: serverPort, user, password, database: name } = database.connection
    const server = `host=${host} port=${serverPort} dbname=${name} user=${user}`
    const secret = password === '' ? '' : ` password=${password}`
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      `[databases]\npurser = ${server}${secret}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
        `listen_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\n` +
        'ignore_startup_parameters = options\n',
    )
    // It refuses to run as root, and may then not enter the server's private socket folder.
    const asRoot = process.getuid?.() === 0
    const child = spawn(
      asRoot ? 'unshare' : 'pgbouncer',
      [
        ...(asRoot ? ['-U', '--map-user=1000', '--map-group=1000', 'pgbouncer'] : []),
        join(folder, 'pgbouncer.ini'),
      ],
      { stdio: 'ignore' },
    )
    t.after(() => child.kill('SIGKILL'))
    const ended = new Promise<never>((_, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`pgbouncer has ended with ${code}`)))
    })
    ended.catch(() => {})
    await Promise.race([answers(port), ended])
    const connection = { connectionString: `postgres://${user}@127.0.0.1:${port}/purser` }
    const checked = checkServer(connection, { allowFsyncOff: true })
    if (refused) await assert.rejects(checked, /hands out connections by transaction/)
    else await checked
  })
}
