import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../../core/refusal.ts'
import type { Clock } from '../../lib/clock.ts'
import { sendProblem } from './problem.ts'
import { validatorCompiler } from './validate.ts'

/** What REST routes need of the process to answer. */
export interface RestDeps {
  readonly funnel: { readonly clock: Clock }
  /** Where customers reach it, without a trailing slash; null: the address that was asked. */
  readonly publicUrl: string | null
  /** What to tell the caller of `error`; what is not a refusal is logged and told as our fault. */
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}

/**
 * What REST routes have in common: JSON bodies, an absent one being `{}`; validation that names
 * every wrong field; Problem Details for every refusal.
 */
export function prepareRest(scope: FastifyInstance, deps: RestDeps): void {
  acceptJson(scope)
  scope.setValidatorCompiler(validatorCompiler)
  const { publicUrl, funnel } = deps
  scope.setErrorHandler(async (error, request, reply) => {
    const refusal = deps.toRefusal(error, request)
    await sendProblem(request, reply, { refusal, publicUrl, now: funnel.clock.now() })
  })
}

/** Lets `scope` take JSON bodies and no others; an absent one is `{}`. */
export function acceptJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, text, done) => {
    try {
      done(null, readBody(request.headers['content-type'], text))
    } catch (error) {
      done(error as Error)
    }
  })
  scope.addHook('preValidation', (request, _reply, done) => {
    if (request.body === undefined || request.body === null) request.body = {}
    done()
  })
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

function readBody(contentType: string | undefined, text: string): unknown {
  if (text.trim() === '') return {}
  if (contentType === undefined || !JSON_TYPE.test(contentType)) {
    throw new Refusal('invalid_input', { detail: 'Send the body as application/json.' })
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('invalid_input', { detail: 'The body is not JSON.' })
  }
}
