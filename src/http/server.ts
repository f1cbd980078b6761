import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { isOutage } from '../core/execute.ts'
import { Refusal } from '../core/refusal.ts'
import { publicId } from '../lib/ids.ts'
import { answerBeforeClosing } from './drain.ts'
import type { Metrics } from './metrics.ts'
import { readableUrl } from './readable-url.ts'
import { answerBadAddress, answerUnreadable } from './unreadable.ts'

const BODY_BYTES_MAX = 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
/** As long as Node lets an address be: a name too long for any object is simply none. */
const PATH_NAME_LENGTH_MAX = 16 * 1024

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the refusal that was answered, for the log. */
    refusedAs: string | null
  }
}

/** A bare server: request ids, one log line per request, body limits. Routes come from others. */
export function createServer(o: {
  log: Logger
  metrics: Metrics
  trustProxy: Config['trustProxy']
}): FastifyInstance {
  const hops = o.trustProxy
  const app = fastify({
    logger: false,
    genReqId: () => publicId('req', Date.now()),
    requestIdHeader: false,
    trustProxy: typeof hops === 'number' ? (_address, hop) => hop < hops : hops,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PATH_NAME_LENGTH_MAX },
    rewriteUrl: ({ url }) => readableUrl(url ?? '/'),
    clientErrorHandler: answerUnreadable,
    frameworkErrors: answerBadAddress,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
  })
  answerBeforeClosing(app)
  app.decorateRequest('refusedAs', null)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const ms = reply.elapsedTime
    const route = request.routeOptions.url ?? 'unknown'
    o.metrics.answered({ method: request.method, route, status: reply.statusCode, ms })
    // The path only: a query may carry a key.
    o.log.info(
      {
        req: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(ms * 10) / 10,
        ip: request.ip,
        ...(request.refusedAs === null ? undefined : { refused: request.refusedAs }),
      },
      'answered',
    )
    done()
  })
  return app
}

/** What to tell the caller of `error`. What is not a refusal is ours: logged, told opaquely. */
export function toRefusal(log: Logger, error: unknown, request: FastifyRequest): Refusal {
  const refusal = refusalOf(error)
  request.refusedAs = refusal.code
  if (refusal.code === 'internal_error') log.error({ req: request.id, err: error }, 'failed')
  else if (refusal.cause !== undefined) {
    log.warn({ req: request.id, err: refusal.cause, refused: refusal.code }, 'refused')
  }
  return refusal
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (isOutage(error)) return new Refusal('unavailable', { retryAfterSeconds: 1, cause: error })
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Refusal('payload_too_large')
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Refusal('invalid_input', { cause: error })
  }
  return new Refusal('internal_error', {
    detail: 'Something went wrong on our side. Retry later or contact support.',
    cause: error,
  })
}
