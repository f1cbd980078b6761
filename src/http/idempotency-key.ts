import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Effect } from '../core/operation.ts'

/** The name that a request was sent under: the header's, else the form field's; empty is none. */
export function idempotencyKeyOf(
  request: FastifyRequest,
  field: string | undefined,
): string | null {
  const header = request.headers['idempotency-key']
  return (typeof header === 'string' && header) || field || null
}

/** What an effect comes to; the answer's headers say whether it is an earlier request's. */
export function toldIfReplayed<Output>(reply: FastifyReply, effect: Effect<Output>): Output {
  if (effect.replayed) reply.header('idempotent-replayed', 'true')
  return effect.output
}
