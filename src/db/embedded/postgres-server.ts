/**
 * One run of the PostgreSQL server on a cluster: launched by this process, or adopted from a
 * Purser that was killed. Nothing here decides whether to start again.
 */
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresBinaries } from './binaries.ts'
import {
  listClusterProcesses,
  readPostmasterFile,
  runsCluster,
  signalProcess,
  waitForEnd,
} from './postmaster-process.ts'
import { type RunAs, spawnAs } from './run-as.ts'
import { readServerFailure, sizeOf } from './server-log.ts'
import { type Endpoint, prepareSocketDirectory } from './socket-directory.ts'

const ADOPTED_POLL_MS = 100
const READY_POLL_MS = 10
const WAITING_REPORT_SECONDS = 10
const FAST_STOP_MS = 120_000
const IMMEDIATE_STOP_MS = 10_000
const LEFTOVERS_WAIT_MS = 1_000

export interface PostgresServer {
  readonly pid: number
  /** Resolves when the server has ended, with the reason its log gives. */
  readonly ended: Promise<{ readonly reason: string }>
}

export interface LaunchPlan {
  readonly clusterDir: string
  readonly logFile: string
  readonly binaries: PostgresBinaries
  readonly runAs: RunAs
  readonly endpoint: Endpoint
  /** Aborted: the server that is coming up is stopped again. */
  readonly signal: AbortSignal
  onWaiting(seconds: number): void
}

/** Starts the server and waits until it has recovered and answers. Throws with its own reason. */
export async function launchServer(plan: LaunchPlan): Promise<PostgresServer> {
  await endLeftovers(plan.clusterDir)
  if (plan.endpoint.kind === 'socket') {
    await prepareSocketDirectory(plan.endpoint.directory, plan.runAs)
  }
  const server = spawnServer(plan)
  let over: { reason: string } | undefined
  const ended = server.ended.then((end) => {
    over = end
  })
  const startedAt = Date.now()
  let reportedSeconds = 0
  while (!over) {
    const file = readPostmasterFile(plan.clusterDir)
    if (file?.pid === server.pid && file.status === 'ready') return server
    if (plan.signal.aborted) {
      await stopServer(server.pid, plan.clusterDir)
      throw new Error('stopped while starting')
    }
    const seconds = Math.floor((Date.now() - startedAt) / 1000)
    if (seconds >= reportedSeconds + WAITING_REPORT_SECONDS) {
      reportedSeconds = seconds
      plan.onWaiting(seconds)
    }
    await Promise.race([sleep(READY_POLL_MS), ended])
  }
  throw new Error(over.reason)
}

/** A server that runs already; its end is noticed by looking, since it is no child of ours. */
export function adoptServer(pid: number, clusterDir: string, logFile: string): PostgresServer {
  const logStart = sizeOf(logFile)
  const ended = new Promise<{ reason: string }>((resolve) => {
    const timer = setInterval(() => {
      if (runsCluster(pid, clusterDir)) return
      clearInterval(timer)
      resolve({ reason: readServerFailure(logFile, logStart) ?? 'it was killed' })
    }, ADOPTED_POLL_MS)
    timer.unref()
  })
  return { pid, ended }
}

/** Fast shutdown: sessions are ended, everything is written. Harder means only if that hangs. */
export async function stopServer(pid: number, clusterDir: string): Promise<void> {
  signalProcess(pid, 'SIGINT')
  if (await waitForEnd(pid, clusterDir, FAST_STOP_MS)) return
  signalProcess(pid, 'SIGQUIT')
  if (await waitForEnd(pid, clusterDir, IMMEDIATE_STOP_MS)) return
  signalProcess(pid, 'SIGKILL')
  await endLeftovers(clusterDir)
}

function spawnServer(plan: LaunchPlan): PostgresServer {
  const { endpoint } = plan
  const socket = endpoint.kind === 'socket' ? `"${endpoint.directory}"` : ''
  const stalePid = readPostmasterFile(plan.clusterDir)?.pid
  const logStart = sizeOf(plan.logFile)
  const log = openSync(plan.logFile, 'a', 0o600)
  try {
    const child = spawnAs(
      plan.runAs,
      [
        plan.binaries.postgres,
        ...['-D', plan.clusterDir, '-p', String(endpoint.port)],
        ...['-c', `unix_socket_directories=${socket}`],
        ...['-c', `listen_addresses=${endpoint.kind === 'loopback' ? '127.0.0.1' : ''}`],
      ],
      {
        cwd: '/',
        // A session of its own, so that Ctrl-C on the terminal reaches Purser alone.
        detached: true,
        stdio: ['ignore', log, log],
        // The id in a stale pid file may belong to another process by now. This is how
        // PostgreSQL is told not to take it for a server; removing the file would also remove
        // its protection against backends that outlive their server.
        env: stalePid ? { PG_GRANDPARENT_PID: String(stalePid) } : {},
      },
    )
    child.unref()
    const ended = new Promise<{ reason: string }>((resolve) => {
      child.once('error', (error) => resolve({ reason: error.message }))
      child.once('exit', (code, signal) => {
        const said = readServerFailure(plan.logFile, logStart)
        resolve({ reason: signal ? `it was killed (${signal})` : (said ?? `code ${code}`) })
      })
    })
    return { pid: child.pid ?? 0, ended }
  } finally {
    closeSync(log)
  }
}

/**
 * Backends of a server that was killed end by themselves once they notice, and a new server
 * refuses to start before. One that does not notice is ended: the new server recovers anyway.
 */
async function endLeftovers(clusterDir: string): Promise<void> {
  const deadline = Date.now() + LEFTOVERS_WAIT_MS
  for (;;) {
    const left = listClusterProcesses(clusterDir)
    if (left.length === 0) return
    if (Date.now() > deadline) for (const pid of left) signalProcess(pid, 'SIGKILL')
    await sleep(20)
  }
}
