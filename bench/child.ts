import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

export interface Child {
  readonly pid: number
  readonly process: ChildProcess
}

const running = new Set<Child>()
const READY_WITHIN_MS = 60_000
const READY_POLL_MS = 50
const STOP_WITHIN_MS = 60_000

/**
 * Starts a Node process and waits until `url` answers 200. What it prints goes to `logFile`. The
 * environment is a bare one, so that nothing set for other purposes changes what is measured.
 */
export async function startChild(o: {
  args: readonly string[]
  env: Readonly<Record<string, string>>
  url: string
  logFile: string
}): Promise<Child> {
  const log = openSync(o.logFile, 'a')
  const inherited = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const spawned = spawn(process.execPath, o.args, {
    env: { ...Object.fromEntries(inherited), ...o.env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  if (spawned.pid === undefined) throw new Error(`${process.execPath} cannot be started`)
  const child = { pid: spawned.pid, process: spawned }
  running.add(child)
  const deadlineMs = performance.now() + READY_WITHIN_MS
  while (!(await answers(o.url))) {
    if (hasEnded(child) || performance.now() > deadlineMs) {
      await stopChild(child)
      throw new Error(`${o.args.join(' ')} did not start:\n${lastLines(o.logFile)}`)
    }
    await pause(READY_POLL_MS)
  }
  return child
}

function hasEnded({ process: { exitCode, signalCode } }: Child): boolean {
  return exitCode !== null || signalCode !== null
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status === 200
  } catch {
    return false
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n')
}

/** Stops every child that was started and not yet stopped. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...running].map(stopChild))
}

/** Asks it to stop and waits; one that does not stop in a minute is killed. Whether it stopped. */
export async function stopChild(child: Child): Promise<boolean> {
  running.delete(child)
  if (hasEnded(child)) return true
  const { process: spawned } = child
  const ended = new Promise<void>((resolve) => spawned.once('exit', () => resolve()))
  spawned.kill('SIGTERM')
  // One that was put to sleep has to wake up to hear it.
  spawned.kill('SIGCONT')
  const timer = new AbortController()
  const inTime = await Promise.race([
    ended.then(() => true),
    pause(STOP_WITHIN_MS, false, { signal: timer.signal }).catch(() => false),
  ])
  timer.abort()
  if (inTime) return true
  spawned.kill('SIGKILL')
  await ended
  return false
}
