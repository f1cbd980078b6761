import { readdirSync, readFileSync } from 'node:fs'

/** Processor seconds of a while, by who used them. */
export interface CpuSeconds {
  readonly node: number
  readonly postgres: number
  readonly load: number
}

export interface Watched {
  /** The measured Node process; undefined where none takes part. */
  readonly node?: number | undefined
  readonly postmaster?: number | undefined
}

/**
 * Starts counting; the answer tells what was used since. Load is this process and its children
 * that have ended meanwhile, so call it once the load generator is through.
 */
export function countCpu(watched: Watched): () => CpuSeconds {
  const before = cpuOf(watched)
  return () => {
    const after = cpuOf(watched)
    return {
      node: after.node - before.node,
      postgres: after.postgres - before.postgres,
      load: after.load - before.load,
    }
  }
}

function cpuOf({ node, postmaster }: Watched): CpuSeconds {
  const own = readStat(process.pid)
  return {
    node: node === undefined ? 0 : (readStat(node)?.own ?? 0),
    postgres: postmaster === undefined ? 0 : serverSeconds(postmaster),
    load: (own?.own ?? 0) + (own?.children ?? 0),
  }
}

/** The server, the backends that run and those that have ended. */
function serverSeconds(postmaster: number): number {
  const server = readStat(postmaster)
  let seconds = (server?.own ?? 0) + (server?.children ?? 0)
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readStat(Number(name))
    if (stat?.parent === postmaster) seconds += stat.own
  }
  return seconds
}

/** /proc counts in hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

interface Stat {
  readonly parent: number
  readonly own: number
  /** Of children that have ended. */
  readonly children: number
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it may hold anything, also spaces and brackets.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = [
      1, 11, 12, 13, 14,
    ].map((at) => fields[at])
    return {
      parent,
      own: (user + system) / TICKS_PER_SECOND,
      children: (childUser + childSystem) / TICKS_PER_SECOND,
    }
  } catch {
    return undefined
  }
}

/** The most memory that the process has had in use, in MB (2^20 bytes); 0 once it has ended. */
export function peakMemoryMb(pid: number): number {
  return statusMb(pid, 'VmHWM')
}

/** The memory that the process has in use now, in MB; 0 once it has ended. */
export function memoryMb(pid: number): number {
  return statusMb(pid, 'VmRSS')
}

function statusMb(pid: number, field: string): number {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm')
    return Number(line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
