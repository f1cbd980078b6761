/** A receiver of webhooks on this machine that answers as a test tells it to. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: { order_id: number; status: string; remains: number; charge: number }
}

/** What an answer is: a status, with headers, or `hang` for none at all. */
export type SinkAnswer = number | 'hang' | { status: number; headers: Record<string, string> }

export interface WebhookSink {
  readonly url: string
  /** What has arrived, whatever was answered. */
  readonly received: Received[]
  /** How the next requests are answered; `ended` resolves when whoever asked waits no longer. */
  answer: (request: Received, ended: Promise<void>) => SinkAnswer | Promise<SinkAnswer>
  /** Waits until so many have arrived that fit, and gives them. */
  arrived(count: number, fits?: (request: Received) => boolean): Promise<Received[]>
  close(): Promise<void>
}

const WITHIN_MS = 120_000
const POLL_MS = 20

export async function openWebhookSink(): Promise<WebhookSink> {
  const received: Received[] = []
  const server = createServer((request, response) => void take(request, response))
  const sink: WebhookSink = {
    url: '',
    received,
    answer: () => 204,
    async arrived(count, fits = () => true) {
      const deadline = Date.now() + WITHIN_MS
      for (;;) {
        const fitting = received.filter(fits)
        if (fitting.length >= count) return fitting
        assert.ok(Date.now() < deadline, `${fitting.length} of ${count} messages arrived`)
        await pause(POLL_MS)
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    const message: Received = {
      path: request.url ?? '',
      headers: request.headers as Record<string, string>,
      text,
      body: JSON.parse(text),
    }
    received.push(message)
    const ended = new Promise<void>((resolve) => response.once('close', resolve))
    const answer = await sink.answer(message, ended)
    if (answer === 'hang') return
    const { status, headers } =
      typeof answer === 'number' ? { status: answer, headers: {} } : answer
    response.writeHead(status, headers).end('noted')
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(sink, { url: `http://127.0.0.1:${port}` })
}
