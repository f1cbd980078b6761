import { Agent, request } from 'node:http'

interface SteadyResult {
  readonly answers: number
  /** Answers that were not 200, and requests that broke. */
  readonly refusals: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly seconds: number
}

/**
 * Sends so many requests a second, whether or not those before have been answered, as many
 * customers do who know nothing of each other. A latency counts from when the request was to be
 * sent, so that what waits for a busy process is counted in full.
 */
export function startSteadyLoad(o: {
  readonly url: string
  readonly bodies: readonly string[]
  readonly perSecond: number
}): { stop(): Promise<SteadyResult> } {
  const agent = new Agent({ keepAlive: true })
  const tookMs: number[] = []
  const waiting = new Set<Promise<void>>()
  const startedMs = performance.now()
  let sent = 0
  let refusals = 0
  const sendDue = () => {
    const due = Math.floor(((performance.now() - startedMs) * o.perSecond) / 1000)
    for (; sent < due; sent++) {
      const dueMs = startedMs + (sent * 1000) / o.perSecond
      const body = o.bodies[sent % o.bodies.length] ?? ''
      const asked = send(agent, { url: o.url, body, key: `steady-${startedMs}-${sent}` }).then(
        (status) => {
          tookMs.push(performance.now() - dueMs)
          if (status !== 200) refusals++
        },
        () => void refusals++,
      )
      waiting.add(asked)
      void asked.finally(() => waiting.delete(asked))
    }
  }
  const timer = setInterval(sendDue, 1)
  return {
    async stop() {
      clearInterval(timer)
      const seconds = (performance.now() - startedMs) / 1000
      await Promise.all(waiting)
      agent.destroy()
      const sorted = tookMs.sort((a, b) => a - b)
      const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
      return { answers: sorted.length, refusals, p50Ms: at(0.5), p99Ms: at(0.99), seconds }
    },
  }
}

function send(
  agent: Agent,
  o: { url: string; body: string; key: string },
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(o.url, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(o.body),
        'idempotency-key': o.key,
      },
    })
    asked.on('response', (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(o.body)
  })
}
