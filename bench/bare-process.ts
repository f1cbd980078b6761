import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../src/db/embedded/free-port.ts'
import { startChild, stopChild } from './child.ts'

export interface BareProcess extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

const PROGRAM = fileURLToPath(new URL('./bare-route.ts', import.meta.url))

/** Starts the bare route. `answerFile` holds what /recorded answers. */
export async function startBare(dir: string, answerFile?: string): Promise<BareProcess> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild({
    args: [PROGRAM],
    env: {
      PORT: String(port),
      ...(answerFile === undefined ? {} : { BARE_ANSWER_FILE: answerFile }),
    },
    url: `${url}/healthz`,
    logFile: join(dir, 'bare.log'),
  })
  return {
    url,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await stopChild(child)
    },
  }
}
