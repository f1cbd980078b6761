import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const RUN_TIMEOUT_MS = 180_000

/**
 * Why tests that need a program are skipped on this machine: `false` where it is there, one line
 * where it is not. With PURSER_REQUIRE_ALL=1 nothing is skipped, so a missing program fails.
 */
export async function missing(
  program: string,
  o: { probe: readonly string[]; name: string },
): Promise<string | false> {
  if (process.env.PURSER_REQUIRE_ALL === '1') return false
  try {
    await run(program, o.probe)
    return false
  } catch {
    return `${o.name} is not installed`
  }
}

/** Runs a program to its end and tells what it printed; one that fails throws with all of it. */
export async function printed(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout, stderr } = await run(program, args, {
    env: { ...process.env, ...env },
    timeout: RUN_TIMEOUT_MS,
  })
  if (stderr !== '') throw new Error(`${program} complained: ${stderr}\n${stdout}`)
  return stdout
}
