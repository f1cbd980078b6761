import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../core/actor.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import { Refusal } from '../core/refusal.ts'
import type { Limits } from './limits.ts'

/**
 * Whose key a request carries, where requests are counted by key (all but the order panels).
 * Refuses `unauthorized` for everything but the working key of a customer, `rate_limited` for too
 * many requests of a key or too many wrong keys of an address.
 */
export async function customerOfKey(
  deps: { readonly keys: KeyDirectory; readonly limits: Limits },
  key: string | undefined,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<KeyActor> {
  const actor = await deps.limits.countFailures(request, async () => {
    const known = key === undefined ? undefined : deps.keys.remembered(key)
    // A key that is known to work is no guess: a neighbour's wrong ones do not lock it out.
    if (known === undefined) deps.limits.checkFailedKeys(request, reply)
    if (key === undefined || key === '') throw new Refusal('unauthorized')
    const owner = known ?? (await deps.keys.find(key))
    if (owner.kind !== 'key') throw new Refusal('unauthorized')
    return owner
  })
  deps.limits.countKey(actor.keyId, reply)
  return actor
}

const BEARER = /^Bearer +(\S+)$/i

/** The key of `Authorization: Bearer <key>`. */
export function bearerKey(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
}
