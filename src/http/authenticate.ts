import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../core/actor.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import { Refusal } from '../core/refusal.ts'
import type { Limits } from './limits.ts'

/**
 * Tells whose key a request carries. Refuses `unauthorized` for anything but a customer's working
 * key, and `rate_limited` for one not known to work from an address that has tried too many others.
 */
export function authenticator(
  keys: KeyDirectory,
  limits: Limits,
): (key: string, request: FastifyRequest, reply: FastifyReply) => Promise<KeyActor> {
  return (key, request, reply) =>
    limits.countFailures(request, async () => {
      let owner = keys.remembered(key)
      if (owner === undefined) {
        // A key that is known to work is no guess: a neighbour's wrong ones do not lock it out.
        limits.checkFailedKeys(request, reply)
        owner = await keys.find(key)
      }
      if (owner.kind === 'key') return owner
      throw new Refusal('unauthorized')
    })
}
