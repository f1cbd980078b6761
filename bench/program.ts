import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian keeps pgbench when it is not on the path. */
const POSTGRES_PACKAGES = '/usr/lib/postgresql'

/** The full path of an installed program, or undefined. */
export function findProgram(name: string): string | undefined {
  const places = (process.env.PATH ?? '').split(':').filter((place) => place !== '')
  return [...places, ...postgresPlaces()].map((place) => join(place, name)).find(isExecutable)
}

function postgresPlaces(): string[] {
  try {
    return readdirSync(POSTGRES_PACKAGES)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(POSTGRES_PACKAGES, version, 'bin'))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const running = new Set<ChildProcess>()

/** Ends what `runProgram` has started and not yet seen the end of. */
export function endPrograms(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Runs a program to its end; what it printed. Throws, with that, where it ends with an error. */
export function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let output = ''
    const add = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', reject)
    child.on('close', (code) => {
      running.delete(child)
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`))
    })
  })
}
