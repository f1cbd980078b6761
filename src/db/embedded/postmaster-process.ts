/**
 * The process that postmaster.pid names. A process id alone proves nothing, it may have been given
 * to another process since: a server is ours when it runs `postgres` with our data directory as
 * its working directory.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface PostmasterFile {
  readonly pid: number
  readonly port: number
  /** empty when the server listens on loopback only */
  readonly socketDirectory: string
  readonly status: string
}

/** The parts of postmaster.pid that Purser needs, or undefined when there is none. */
export function readPostmasterFile(clusterDir: string): PostmasterFile | undefined {
  let text: string
  try {
    text = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const lines = text.split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  return {
    pid,
    port: Number.parseInt(lines[3] ?? '', 10) || 5432,
    socketDirectory: lines[4] ?? '',
    status: (lines[7] ?? '').trim(),
  }
}

/** Whether the process is a living PostgreSQL on this data directory. */
export function runsCluster(pid: number, clusterDir: string): boolean {
  const process = inspectProcess(pid)
  return (
    process !== undefined &&
    process.cwd === realpathSync(clusterDir) &&
    basename(process.executable) === 'postgres'
  )
}

/** Whether the file the process runs from has been replaced since, as an update does. */
export function runsReplacedExecutable(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`).endsWith(' (deleted)')
  } catch {
    return false
  }
}

interface ProcessView {
  readonly cwd: string
  readonly executable: string
}

/** Undefined for a process that is dead, a zombie or none of ours to look at. */
function inspectProcess(pid: number): ProcessView | undefined {
  try {
    return {
      cwd: readlinkSync(`/proc/${pid}/cwd`),
      executable: readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''),
    }
  } catch {
    return undefined
  }
}

/** The server and all its backends: every PostgreSQL process that works in this data directory. */
export function listClusterProcesses(clusterDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => runsCluster(pid, clusterDir))
}

/** False when the signal found no process. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

/** True once the server is gone, false when it still ran after `timeoutMs`. */
export async function waitForEnd(
  pid: number,
  clusterDir: string,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (runsCluster(pid, clusterDir)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}
