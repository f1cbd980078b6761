import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../core/actor.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import { Refusal } from '../core/refusal.ts'
import type { Limits } from './limits.ts'

/**
 * Tells whose key a request to the panels carries. Refuses `unauthorized` for everything but the
 * working key of a customer; a wrong one counts against the limit of its address as each request
 * does, and past that is `rate_limited`. The key comes first: who has `legacy_errors` is told of
 * the limit in that way.
 */
export function authenticator(
  keys: KeyDirectory,
  limits: Limits,
): (key: string, request: FastifyRequest, reply: FastifyReply) => Promise<KeyActor> {
  return async (key, request, reply) => {
    try {
      const owner = keys.remembered(key) ?? (await keys.find(key))
      if (owner.kind === 'key') return owner
      throw new Refusal('unauthorized')
    } catch (error) {
      if (error instanceof Refusal && error.code === 'unauthorized') {
        limits.countPanel(request, reply)
      }
      throw error
    }
  }
}
