import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor, UserActor } from '../../core/actor.ts'
import { findUser } from '../../core/identity/find-session.ts'
import type { KeyDirectory } from '../../core/identity/key-directory.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Db } from '../../db/database.ts'
import type { Clock } from '../../lib/clock.ts'
import { bearerKey, customerOfKey } from '../customer-key.ts'
import type { Limits } from '../limits.ts'
import { requireSameOrigin } from './same-origin.ts'
import { CUSTOMER_COOKIE, readCookie } from './session-cookie.ts'

/** Who acts for an account: a key of it, or somebody who is signed in to it. */
export type CustomerActor = KeyActor | UserActor

interface CallerDeps {
  readonly funnel: { readonly database: { readonly db: Db }; readonly clock: Clock }
  readonly keys: KeyDirectory
  readonly limits: Limits
  readonly publicUrl: string | null
}

/**
 * Who asks, by bearer key or by the cookie of a customer's session, which works from our own site
 * alone. Refuses `unauthorized`, and `rate_limited` for too many requests of a key or of an
 * account's sessions, or too many wrong secrets of an address.
 */
export async function customerCaller(
  deps: CallerDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<CustomerActor> {
  if (request.headers.authorization !== undefined) {
    return await customerOfKey(deps, bearerKey(request), { request, reply })
  }
  deps.limits.checkFailedKeys(request, reply)
  const actor = await deps.limits.countFailures(request, () => customerOfSession(deps, request))
  deps.limits.countSession(actor.accountId, reply)
  return actor
}

/**
 * Who asks where nobody has to say so: undefined without a key, and where the cookie is of no use.
 * A key that does not work is refused.
 */
export async function findCustomer(
  deps: CallerDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<CustomerActor | undefined> {
  if (request.headers.authorization !== undefined) {
    return await customerCaller(deps, request, reply)
  }
  deps.limits.countOpen(request, reply)
  try {
    return await customerOfSession(deps, request)
  } catch (error) {
    if (error instanceof Refusal && error.code === 'unauthorized') return undefined
    throw error
  }
}

async function customerOfSession(deps: CallerDeps, request: FastifyRequest): Promise<UserActor> {
  const token = readCookie(request, CUSTOMER_COOKIE)
  if (token === undefined) throw new Refusal('unauthorized')
  requireSameOrigin(request, deps.publicUrl)
  const { database, clock } = deps.funnel
  return (await findUser(database.db, token, clock.now())).actor
}
