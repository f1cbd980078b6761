import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OperatorActor } from '../core/actor.ts'
import { findOperator } from '../core/identity/find-session.ts'
import { Refusal } from '../core/refusal.ts'
import { requireSameOrigin } from '../http/rest/same-origin.ts'
import { OPERATOR_COOKIE, readCookie } from '../http/rest/session-cookie.ts'
import type { AdminDeps } from './admin-deps.ts'

/** The operator who asks, and the secret that says so. */
export interface Caller {
  readonly actor: OperatorActor
  readonly secret: string
  /** When the session ends; null for a key. */
  readonly expiresAt: Date | null
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null
  }
}

/** The operator of a request that has passed `authenticate`. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error(`${request.method} ${request.url} was not authenticated`)
  return request.caller
}

/**
 * Who asks, by bearer key or session cookie. Refuses `unauthorized`, `insufficient_scope` for a
 * customer's key, and `rate_limited`.
 */
export async function authenticate(
  deps: AdminDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Caller> {
  return await deps.limits.countFailures(request, async () => {
    const { authorization } = request.headers
    const key = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
    // A key that is known to work is no guess: a neighbour's wrong ones do not lock it out.
    if (key === undefined || deps.keys.remembered(key) === undefined) {
      deps.limits.checkFailedKeys(request, reply)
    }
    if (authorization === undefined) return await bySession(deps, request)
    if (key === undefined) throw new Refusal('unauthorized')
    return await byKey(deps, key, reply)
  })
}

const BEARER = /^Bearer +(\S+)$/i

async function byKey(deps: AdminDeps, secret: string, reply: FastifyReply): Promise<Caller> {
  const owner = await deps.keys.find(secret)
  if (owner.kind !== 'operator') {
    throw new Refusal('insufficient_scope', { detail: 'This needs the key of an operator.' })
  }
  deps.limits.countKey(owner.keyId, reply)
  return { actor: owner, secret, expiresAt: null }
}

async function bySession(deps: AdminDeps, request: FastifyRequest): Promise<Caller> {
  const secret = readCookie(request, OPERATOR_COOKIE)
  if (secret === undefined) throw new Refusal('unauthorized')
  requireSameOrigin(request, deps.publicUrl)
  const { database, clock } = deps.funnel
  return { secret, ...(await findOperator(database.db, secret, clock.now())) }
}
