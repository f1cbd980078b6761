/** Runs embedded-child.ts and speaks with it. Every process started is ended by its id. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import {
  readPostmasterFile,
  runsCluster,
  signalProcess,
  waitForEnd,
} from '../../src/db/embedded/postmaster-process.ts'

export interface Said {
  readonly event: string
  readonly detail: SaidDetail
}

/** What embedded-child.ts tells of an event; each event fills its own fields. */
export interface SaidDetail {
  readonly startedAs: string
  readonly version: string
  readonly connection: pg.ClientConfig & { readonly host: string; readonly port: number }
  readonly name: string
  readonly message: string
  readonly reason: string
}

export interface EmbeddedProcess {
  readonly process: ChildProcess
  /** The next line with this event, past ones not yet asked for included. */
  next(event: string): Promise<Said['detail']>
  /** What the child said first: `started` or `refused`. */
  first(): Promise<Said>
  end(signal: NodeJS.Signals): Promise<number | null>
}

const CHILD = fileURLToPath(new URL('./embedded-child.ts', import.meta.url))

export function runEmbedded(
  dataDir: string,
  o: { script?: string; prefix?: readonly string[]; spawn?: SpawnOptions } = {},
): EmbeddedProcess {
  const command = [...(o.prefix ?? []), process.execPath, o.script ?? CHILD, dataDir]
  const env = { ...process.env, ...o.spawn?.env }
  delete env.NODE_TEST_CONTEXT
  const child = spawn(command[0]!, command.slice(1), {
    ...o.spawn,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const lines: Said[] = []
  let wake = Promise.withResolvers<void>()
  let closed = false
  const reader = createInterface({ input: child.stdout! })
  reader.on('line', (line) => {
    lines.push(JSON.parse(line))
    wake.resolve()
    wake = Promise.withResolvers()
  })
  reader.once('close', () => {
    closed = true
    wake.resolve()
  })
  async function take(matches: (said: Said) => boolean, wanted: string): Promise<Said> {
    for (;;) {
      const index = lines.findIndex(matches)
      if (index >= 0) return lines.splice(index, 1)[0]!
      if (closed) throw new Error(`no "${wanted}" but ${JSON.stringify(lines)}`)
      await wake.promise
    }
  }
  return {
    process: child,
    next: async (event) => (await take((said) => said.event === event, event)).detail,
    first: () => take((said) => /^(started|refused)$/.test(said.event), 'started or refused'),
    async end(signal) {
      child.kill(signal)
      return await exit
    },
  }
}

export function postmasterPid(dataDir: string): number | undefined {
  return readPostmasterFile(join(dataDir, 'postgres'))?.pid
}

/** Ends the server that a killed holder left behind. */
export async function endServerOf(dataDir: string): Promise<void> {
  const clusterDir = join(dataDir, 'postgres')
  const pid = postmasterPid(dataDir)
  if (pid === undefined || !runsCluster(pid, clusterDir)) return
  signalProcess(pid, 'SIGQUIT')
  await waitForEnd(pid, clusterDir, 30_000)
}

export async function query(
  connection: pg.ClientConfig,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
