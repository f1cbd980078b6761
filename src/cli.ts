import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type Config, readConfig } from './config.ts'
import { Refusal } from './core/refusal.ts'
import { backup } from './db/backup.ts'
import type { ConnectionSettings } from './db/database.ts'
import { openDatabase } from './db/database.ts'
import { findRunningPostgres, startEmbeddedPostgres } from './db/embedded/embedded-postgres.ts'
import { migrate } from './db/migrate.ts'
import { restore } from './db/restore.ts'
import { StartupError } from './lib/startup-error.ts'
import type { RunningPurser } from './purser.ts'

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const
const SAME_SIGNAL_MS = 1_000

const USAGE = `purser: a self-hosted panel that sells prepaid services

  purser serve                     start (what npm start does)
  purser backup FILE               write everything to FILE, also while serving
  purser restore FILE              load FILE into a fresh instance
  purser ledger verify [--all]     check that the books balance
  purser operator create EMAIL     make an operator, print password and key once

Configuration comes from the environment: see README.md.`

/** Runs one command. What the operator can act on is one line and exit code 1. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await run(argv)
  } catch (error) {
    if (!(error instanceof StartupError) && !(error instanceof Refusal)) throw error
    process.stderr.write(`purser: ${error.message}\n`)
    process.exitCode = 1
  }
}

async function run(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv
  switch (command) {
    case 'serve':
      return await serve()
    case 'backup':
    case 'restore':
      return await copy(command, rest[0])
    case 'ledger':
      if (rest[0] === 'verify') return await verify(rest.includes('--all'))
      break
    case 'operator':
      if (rest[0] === 'create') return await createOperatorFor(rest[1])
  }
  process.stdout.write(`${USAGE}\n`)
  if (command !== undefined && command !== 'help' && command !== '--help') process.exitCode = 1
}

async function serve(): Promise<void> {
  const { startPurser } = await import('./purser.ts')
  const { welcome } = await import('./welcome.ts')
  keepHeapSmall()
  const config = readConfig(process.env)
  const starting = startPurser(config)
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    process.stderr.write(`\n${signal}: answering what was accepted, then stopping\n`)
    // npm passes on a Ctrl-C that the terminal has told us of already; a later one is meant.
    setTimeout(() => {
      for (const name of STOP_SIGNALS) process.removeAllListeners(name)
    }, SAME_SIGNAL_MS).unref()
    starting.then(stopAndExit, () => {}) // A failed start has stopped everything and tells why.
  }
  for (const name of STOP_SIGNALS) process.on(name, stop)
  const purser = await starting
  if (stopping) return
  process.stderr.write(welcome({ url: purser.url, dataDir: config.dataDir, demo: config.demo }))
}

async function stopAndExit(purser: RunningPurser): Promise<void> {
  try {
    await purser.stop()
    process.exit(0)
  } catch (error) {
    process.stderr.write(`purser: ${String(error)}\n`)
    process.exit(1)
  }
}

/**
 * V8 sizes its heap by the machine, and would let a busy process hold several times what it needs.
 * Small young generations and an early full collection cost a few per cent and keep it small.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--max-semi-space-size=8')
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=30')
}

async function copy(command: 'backup' | 'restore', file: string | undefined): Promise<void> {
  if (file === undefined) throw new StartupError(`name the file: purser ${command} FILE`)
  const log = (line: string) => void process.stderr.write(`${line}\n`)
  await withDatabase(async (connection) => {
    const work = command === 'backup' ? backup : restore
    const { tables, rows } = await work({ connection, file: resolve(file), log })
    log(`${command}: ${rows} rows of ${tables} tables, ${resolve(file)}`)
  })
}

async function verify(all: boolean): Promise<void> {
  const { verifyLedger } = await import('./core/ledger/verify-ledger.ts')
  await withDatabase(async (connection) => {
    await migrate(connection)
    const database = openDatabase(connection, { max: 2, applicationName: 'purser verify' })
    try {
      const result = await verifyLedger(database, { all })
      for (const check of result.checks) {
        process.stdout.write(`${check.ok ? 'ok    ' : 'BREACH'}  ${check.name}\n`)
        for (const breach of check.breaches) process.stdout.write(`        ${breach}\n`)
      }
      process.stdout.write(result.ok ? 'The books balance.\n' : 'The books do NOT balance.\n')
      if (!result.ok) process.exitCode = 1
    } finally {
      await database.close()
    }
  })
}

async function createOperatorFor(email: string | undefined): Promise<void> {
  if (email === undefined) throw new StartupError('name the address: purser operator create EMAIL')
  const { setUpOperator } = await import('./core/identity/set-up-operator.ts')
  const { ShiftedClock } = await import('./lib/clock.ts')
  await withDatabase(async (connection) => {
    await migrate(connection)
    const database = openDatabase(connection, { max: 2, applicationName: 'purser operator' })
    try {
      const made = await setUpOperator({ database, clock: new ShiftedClock() }, email)
      process.stdout.write(
        `operator  ${made.email}\npassword  ${made.password}\nkey       ${made.apiKey}\n` +
          'Neither is shown again.\n',
      )
    } finally {
      await database.close()
    }
  })
}

/** The configured database, the one of a Purser that runs here, or our own for the while. */
async function withDatabase(
  body: (connection: ConnectionSettings) => Promise<void>,
): Promise<void> {
  const config: Config = readConfig(process.env)
  if (config.databaseUrl !== null) return await body({ connectionString: config.databaseUrl })
  const running = findRunningPostgres(config.dataDir)
  if (running) return await body(running)
  const quiet = { info() {}, warn() {}, error() {} }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log: quiet })
  try {
    await body(embedded.connection)
  } finally {
    await embedded.stop()
  }
}
