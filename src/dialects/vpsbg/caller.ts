import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../../core/actor.ts'
import { authorize } from '../../core/execute.ts'
import type { Scope } from '../../core/scope.ts'
import { bearerKey, customerOfKey } from '../../http/customer-key.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

/** Whose key each request that is being answered carries. */
const callers = new WeakMap<FastifyRequest, KeyActor>()

/** Finds out whose key it is and counts the request. Refuses `unauthorized`, `rate_limited`. */
export async function identify(
  deps: VpsbgDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  callers.set(request, await customerOfKey(deps, bearerKey(request), { request, reply }))
}

/** The owner of the key of a request that has been identified. */
export function callerOf(request: FastifyRequest): KeyActor {
  const actor = callers.get(request)
  if (!actor) throw new Error(`${request.method} ${request.url} was not identified`)
  return actor
}

/** A hook that refuses `insufficient_scope` before the body is read. */
export function requires(scope: Scope): (request: FastifyRequest) => Promise<void> {
  return async (request) => authorize(callerOf(request), scope)
}
