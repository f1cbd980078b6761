import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../src/db/embedded/free-port.ts'
import { type Child, startChild, stopChild } from './child.ts'

/** What an upstream was asked. */
export interface UpstreamStats {
  readonly asked: number
  readonly added: number
  /** Orders that came more than once. */
  readonly repeated: number
  readonly orders: number
  readonly looked: number
  /** How many orders were looked at at all. */
  readonly seen: number
  /** The longest that an order was not looked at, from one look to the next or to now. */
  readonly widestMs: number
}

export interface SinkStats {
  readonly received: number
  readonly orders: number
}

/** A process that the bench plays the outside world with. */
export class OutsideProcess<Stats> implements AsyncDisposable {
  readonly url: string
  readonly #child: Child

  constructor(url: string, child: Child) {
    this.url = url
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid
  }

  async stats(): Promise<Stats> {
    return (await (await fetch(`${this.url}/stats`)).json()) as Stats
  }

  /** When each order's webhook arrived, in milliseconds since 1970: the sink alone tells. */
  async arrivals(): Promise<ReadonlyMap<number, number>> {
    return new Map((await (await fetch(`${this.url}/arrivals`)).json()) as [number, number][])
  }

  async reset(): Promise<void> {
    await fetch(`${this.url}/reset`, { method: 'POST' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stopChild(this.#child)
  }
}

const UPSTREAM_PROGRAM = fileURLToPath(new URL('./upstream-route.ts', import.meta.url))
const SINK_PROGRAM = fileURLToPath(new URL('./sink-route.ts', import.meta.url))

/** An upstream panel; `completesAfterMs` left out: its orders stay in progress. */
export function startUpstream(
  dir: string,
  o: { completesAfterMs?: number } = {},
): Promise<OutsideProcess<UpstreamStats>> {
  const { completesAfterMs } = o
  const env =
    completesAfterMs === undefined ? {} : { UPSTREAM_COMPLETES_AFTER_MS: String(completesAfterMs) }
  return start(UPSTREAM_PROGRAM, join(dir, 'upstream.log'), env)
}

/** What receives webhooks. */
export function startSink(dir: string): Promise<OutsideProcess<SinkStats>> {
  return start(SINK_PROGRAM, join(dir, 'sink.log'), {})
}

async function start<Stats>(
  program: string,
  logFile: string,
  env: Readonly<Record<string, string>>,
): Promise<OutsideProcess<Stats>> {
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild({
    args: [program],
    env: { PORT: String(port), ...env },
    url: `${url}/stats`,
    logFile,
  })
  return new OutsideProcess(url, child)
}
