import type { FastifyRequest } from 'fastify'

/** The name that a request was sent under: the header's, else the form field's; empty is none. */
export function idempotencyKeyOf(
  request: FastifyRequest,
  field: string | undefined,
): string | null {
  const header = request.headers['idempotency-key']
  return (typeof header === 'string' && header) || field || null
}
