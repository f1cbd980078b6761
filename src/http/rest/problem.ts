import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Refusal } from '../../core/refusal.ts'
import { PROBLEMS } from './problems.ts'

/**
 * Answers `refusal` as Problem Details (RFC 9457), with an explained type and the request's id.
 * `extensions` are what a program needs to go on, beside what every problem has.
 */
export async function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  o: { refusal: Refusal; publicUrl: string | null; now: Date; extensions?: object },
): Promise<void> {
  const { refusal } = o
  const problem = problemOf(request, o)
  const { status, code } = problem
  if (refusal.retryAfterSeconds !== undefined)
    reply.header('retry-after', refusal.retryAfterSeconds)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  await reply
    .code(status)
    .type('application/problem+json')
    // Bytes, because text of a JSON type is given a charset that the type does not have.
    .send(
      Buffer.from(
        JSON.stringify({
          ...problem,
          // The path only: a query may carry what others should not read.
          instance: request.originalUrl.split('?', 1)[0],
          requestId: request.id,
          timestamp: o.now.toISOString(),
          ...(code === 'invalid_request' ? { errors: refusal.fields } : {}),
          extensions: o.extensions ?? {},
        }),
      ),
    )
}

/** What `refusal` is to a program, whichever request met it. */
export function problemOf(
  request: FastifyRequest,
  { refusal, publicUrl }: { refusal: Refusal; publicUrl: string | null },
): { type: string; title: string; status: number; detail: string; code: string } {
  const { status, code, title } = PROBLEMS[refusal.code]
  const origin = publicUrl ?? `${request.protocol}://${request.host}`
  return { type: `${origin}/errors/${code}`, title, status, detail: refusal.detail, code }
}
