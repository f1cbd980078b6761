import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram, runProgram } from './program.ts'

/** What is sent, over and over on every connection. */
export interface Load {
  readonly url: string
  readonly bodies: readonly string[]
  /** Whether each body is sent once, one after the other; else one is picked at random. */
  readonly once?: boolean
  /** Whether each request has an Idempotency-Key of its own. */
  readonly keyed: boolean
  /** What the caller says it takes, as `Accept-Encoding`; left out: nothing. */
  readonly accepts?: string | undefined
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly answers: number
  /** Answers that were not 2xx. */
  readonly refusals: number
  /** Connections refused or broken, and requests that were not answered in time. */
  readonly breaks: number
}

export interface LoadGenerator {
  readonly name: string
  run(load: Load): Promise<LoadResult>
}

/** wrk where it is installed, else autocannon. `dir` is for the bodies. */
export function loadGenerator(dir: string): LoadGenerator {
  const wrk = findProgram('wrk')
  if (wrk !== undefined) return { name: 'wrk', run: (load) => runWrk(wrk, dir, load) }
  return { name: 'autocannon (wrk is not installed)', run: runAutocannon }
}

const SCRIPT = fileURLToPath(new URL('./load.lua', import.meta.url))
const MEASURED = /^measured (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m
let runs = 0

async function runWrk(wrk: string, dir: string, load: Load): Promise<LoadResult> {
  const file = join(dir, 'bodies.txt')
  await writeFile(file, `${load.bodies.join('\n')}\n`)
  const output = await runProgram(wrk, [
    // One thread: on the few cores shared with server and database a second only gets in the way.
    '--threads=1',
    `--connections=${load.connections}`,
    `--duration=${load.seconds}s`,
    '--timeout=10s',
    `--script=${SCRIPT}`,
    load.url,
    '--',
    file,
    load.keyed ? 'keyed' : 'plain',
    load.once ? 'once' : 'any',
    String(++runs),
    load.accepts ?? '',
  ])
  const measured = MEASURED.exec(output)?.slice(1).map(Number)
  const [answers = 0, durationUs = 0, p50Us = 0, p99Us = 0, refusals = 0, breaks = 0] =
    measured ?? []
  if (durationUs === 0) throw new Error(`wrk printed no result:\n${output}`)
  return {
    perSecond: (answers * 1e6) / durationUs,
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    answers,
    refusals,
    breaks,
  }
}

async function runAutocannon(load: Load): Promise<LoadResult> {
  const { default: autocannon } = await import('autocannon')
  const run = String(++runs)
  let sent = 0
  const pick = load.once
    ? () => load.bodies[sent % load.bodies.length]
    : () => load.bodies[Math.floor(Math.random() * load.bodies.length)]
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.seconds,
    requests: [
      {
        method: 'POST',
        setupRequest: (request) => {
          const body = pick() ?? ''
          sent++
          return {
            ...request,
            body,
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              ...(load.accepts === undefined ? {} : { 'accept-encoding': load.accepts }),
              ...(load.keyed ? { 'idempotency-key': `${run}-${sent}-${Math.random()}` } : {}),
            },
          }
        },
      },
    ],
  })
  const answers = result['2xx'] + result.non2xx
  return {
    perSecond: answers / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    answers,
    refusals: result.non2xx,
    breaks: result.errors + result.timeouts,
  }
}
