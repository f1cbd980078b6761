import { Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, buildConnector } from 'undici'
import type {
  WebhookAnswer,
  WebhookRequest,
  WebhookSender,
} from '../../core/webhooks/webhook-sender.ts'
import { addressOf, mayBeReached } from '../../lib/public-address.ts'

export interface HttpWebhookSenderOptions {
  /** Networks that may be reached although they are not public. */
  readonly networks: readonly string[]
  /** Who is asked for addresses; left out: the system's name servers. */
  readonly resolver?: Resolver
  /** How long one message may take; left out: ten seconds. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 5_000
const RESOLVE_TIMEOUT_MS = 2_000
const RESOLVE_TRIES = 2
const IDLE_MS = 10_000
/** More of an answer than this is not read; nobody looks at it. */
const ANSWER_BYTES_MAX = 16_384

/**
 * Sends messages by HTTP, with the headers of Standard Webhooks. What is not public is refused by
 * the address that is connected to, so that no name leads elsewhere; redirects are not followed.
 * The timestamp is the system's: receivers compare it with their own clock.
 */
export function httpWebhookSender(o: HttpWebhookSenderOptions): WebhookSender {
  const agent = new Agent({
    connect: guardedConnector(o),
    pipelining: 1,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })
  const timeoutMs = o.timeoutMs ?? TIMEOUT_MS
  let isClosed = false
  return {
    async send(request) {
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        return await post(agent, request, timeout)
      } catch (error) {
        if (isClosed) return { kind: 'stopped' }
        return { kind: 'unreachable', error: timeout.aborted ? 'timeout' : reasonOf(error) }
      }
    },
    async close() {
      isClosed = true
      await agent.destroy()
    },
  }
}

async function post(
  agent: Agent,
  { url, id, body, secrets }: WebhookRequest,
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  const now = new Date()
  const { origin, pathname, search } = new URL(url)
  const answer = await agent.request({
    origin,
    path: pathname + search,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Purser-Webhooks/1',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': secrets
        .map((secret) => new Webhook(secret).sign(id, now, body))
        .join(' '),
    },
    body,
    signal,
  })
  const { statusCode: status, headers } = answer
  // The status is the answer: what follows is read for the sake of the connection alone.
  await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => {})
  return { kind: 'answered', status, retryAfterMs: retryAfterMs(headers['retry-after']) }
}

/** Of `Retry-After: 120`; the form with a date is not listened to. */
function retryAfterMs(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null
}

const NOT_PUBLIC = 'the address is not public'

class NotPublic extends Error {
  constructor() {
    super(NOT_PUBLIC)
  }
}

/** Connects to addresses that may be reached, and to no others. */
function guardedConnector(o: HttpWebhookSenderOptions): buildConnector.connector {
  const lookup = guardedLookup(o)
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup, allowH2: false })
  return (options, callback) => {
    // An address is not looked up.
    const address = addressOf(options.hostname)
    if (address !== undefined && !mayBeReached(address, o.networks)) {
      callback(new NotPublic(), null)
      return
    }
    connect(options, (error, socket) => {
      // With an error there is no socket, whatever the type says.
      if (error !== null) callback(error, null)
      else if (mayBeReached(socket?.remoteAddress ?? '', o.networks)) callback(null, socket)
      else {
        socket?.destroy()
        callback(new NotPublic(), null)
      }
    })
  }
}

/**
 * Asks the name servers rather than the system, which looks up few names at a time: one that does
 * not answer would keep all others waiting.
 */
function guardedLookup(o: HttpWebhookSenderOptions): LookupFunction {
  const resolver = o.resolver ?? new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: RESOLVE_TRIES })
  return (host, options, callback) => {
    resolve(resolver, host).then(
      (all) => {
        const usable = all.filter(({ address }) => mayBeReached(address, o.networks))
        const first = usable[0]
        if (first === undefined) callback(all.length === 0 ? new NotFound() : new NotPublic(), '')
        else if (options.all) callback(null, usable)
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}

class NotFound extends Error {
  readonly code = 'ENOTFOUND'
}

async function resolve(
  resolver: Resolver,
  host: string,
): Promise<{ address: string; family: number }[]> {
  // No name server knows `localhost`.
  const address = addressOf(host)
  if (address !== undefined) return [{ address, family: isIP(address) }]
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
  return [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ]
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'no such host',
  ENODATA: 'no such host',
  ETIMEDOUT: 'timeout',
  ETIMEOUT: 'the name servers do not answer',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_SOCKET: 'connection closed',
}

/** In words of our own: what Node says may name addresses of our network. */
function reasonOf(error: unknown): string {
  if (error instanceof NotPublic) return NOT_PUBLIC
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return 'no answer'
  if (/CERT|SSL|TLS|SELF_SIGNED/.test(code)) return 'the certificate is not valid'
  return REASONS[code] ?? 'no answer'
}
