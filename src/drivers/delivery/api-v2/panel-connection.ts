import { type Dispatcher, Pool } from 'undici'
import type { UpstreamSettings } from '../../../core/upstreams/upstream-driver.ts'
import { readExactJson } from './exact-json.ts'

/** What became of a call. It never holds the key, whatever the upstream says. */
export type Reply =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** Its JSON with numbers as their text; undefined where it is none. */
      readonly body: unknown
      readonly retryAfterMs: number | null
    }
  /** Nothing of it has reached the upstream. */
  | { readonly kind: 'not sent'; readonly reason: string }
  /** It may have reached the upstream, and may have had its effect. */
  | { readonly kind: 'lost'; readonly reason: string }

export interface PanelConnection {
  call(fields: Readonly<Record<string, string>>, o?: CallOptions): Promise<Reply>
  close(): Promise<void>
}

export interface CallOptions {
  readonly idempotencyKey?: string
  readonly bytesMax?: number
  readonly answerMs?: number
}

/** How many calls about orders that were taken are under way at once. */
export const FOLLOWING_MAX = 8
const CONNECT_MS = 3_000
const ANSWER_MS = 13_000
/**
 * An idle connection is left before the upstream's server may close it: a call that meets the
 * closing would be lost.
 */
const IDLE_MS = 2_000
const BYTES_MAX = 2_000_000
const RETRY_AFTER_MAX_S = 86_400

export interface ConnectionOptions {
  /** How long an answer is waited for; left out: as long as a call may take. */
  readonly answerMs?: number
  /** Told of what became of each call. */
  readonly onReply?: (kind: Reply['kind']) => void
}

/** Opens connections to a panel. Redirects are not followed: a POST would become another call. */
export function openPanelConnection(
  settings: Pick<UpstreamSettings, 'url' | 'apiKey' | 'inFlightMax'>,
  { onReply, ...patience }: ConnectionOptions = {},
): PanelConnection {
  const url = new URL(settings.url)
  const pool = new Pool(url.origin, {
    // One more for the balance and the services.
    connections: settings.inFlightMax + FOLLOWING_MAX + 1,
    pipelining: 1,
    connect: { timeout: CONNECT_MS },
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
  })
  const path = url.pathname + url.search
  return {
    async call(fields, o = {}) {
      const request: Dispatcher.DispatchOptions = {
        path,
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'user-agent': 'Purser',
          ...(o.idempotencyKey === undefined ? {} : { 'idempotency-key': o.idempotencyKey }),
        },
        body: new URLSearchParams({ key: settings.apiKey, ...fields }).toString(),
      }
      const received = await dispatch(pool, request, { ...patience, ...o })
      onReply?.(received.kind === 'received' ? 'answered' : received.kind)
      if (received.kind !== 'received') return received
      const text = withoutKey(received.text, settings.apiKey)
      const { status, retryAfterMs } = received
      return { kind: 'answered', status, body: readExactJson(text), retryAfterMs }
    },
    close: () => pool.destroy(),
  }
}

/** The key may come back in an error's text, written as JSON writes it, in either of two ways. */
function withoutKey(text: string, key: string): string {
  const escaped = JSON.stringify(key).slice(1, -1)
  return [key, escaped, escaped.replaceAll('/', '\\/')].reduce(
    (rest, written) => rest.replaceAll(written, '***'),
    text,
  )
}

type Received =
  | {
      readonly kind: 'received'
      readonly status: number
      readonly text: string
      readonly retryAfterMs: number | null
    }
  | Exclude<Reply, { kind: 'answered' }>

/**
 * One request and its whole answer. It is `not sent` only where it was given to no connection:
 * from then on any failure leaves open what the upstream has done.
 */
function dispatch(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  o: CallOptions,
): Promise<Received> {
  return new Promise((resolve) => {
    let sent = false
    let timer: NodeJS.Timeout | undefined
    let status = 0
    let retryAfterMs: number | null = null
    let bytes = 0
    const chunks: Buffer[] = []
    const end = (received: Received) => {
      clearTimeout(timer)
      resolve(received)
    }
    pool.dispatch(request, {
      onRequestStart(controller) {
        sent = true
        const timedOut = () => controller.abort(new Error('ANSWER_TIMEOUT'))
        timer = setTimeout(timedOut, o.answerMs ?? ANSWER_MS)
      },
      onResponseStart(_controller, statusCode, headers) {
        status = statusCode
        retryAfterMs = readRetryAfter(headers['retry-after'])
      },
      onResponseData(controller, chunk) {
        bytes += chunk.length
        if (bytes > (o.bytesMax ?? BYTES_MAX)) controller.abort(new Error('ANSWER_TOO_LONG'))
        else chunks.push(chunk)
      },
      onResponseEnd() {
        const text = Buffer.concat(chunks).toString('utf8')
        end({ kind: 'received', status, text, retryAfterMs })
      },
      onResponseError(_controller, error) {
        end({ kind: sent ? 'lost' : 'not sent', reason: reasonOf(error) })
      },
    })
  })
}

/** The error's code alone: its message may quote what was sent. */
function reasonOf(error: Error & { code?: unknown }): string {
  if (error.message === 'ANSWER_TIMEOUT') return 'no answer in time'
  if (error.message === 'ANSWER_TOO_LONG') return 'an answer too long to be read'
  return `connection failed (${typeof error.code === 'string' ? error.code : error.name})`
}

/** Seconds, or a date, from now on. */
function readRetryAfter(header: string | string[] | undefined): number | null {
  const text = String(header ?? '').trim()
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), RETRY_AFTER_MAX_S) * 1_000
  const at = text === '' ? Number.NaN : Date.parse(text)
  if (Number.isNaN(at)) return null
  return Math.max(0, Math.min(at - Date.now(), RETRY_AFTER_MAX_S * 1_000))
}
