import type { FastifyRequest } from 'fastify'
import { authorize } from '../../core/execute.ts'
import type { Scope } from '../../core/scope.ts'
import type { CustomerActor } from './customer-caller.ts'

/** Who makes each request that is being answered. */
const callers = new WeakMap<FastifyRequest, CustomerActor>()

/** Says who makes a request, for all that answers it. */
export function setCaller(request: FastifyRequest, actor: CustomerActor): void {
  callers.set(request, actor)
}

export function callerIfAny(request: FastifyRequest): CustomerActor | undefined {
  return callers.get(request)
}

/** Who makes a request that has been identified. */
export function callerOf(request: FastifyRequest): CustomerActor {
  const actor = callers.get(request)
  if (!actor) throw new Error(`${request.method} ${request.url} was not identified`)
  return actor
}

/** A hook that refuses `insufficient_scope` before the body is read. */
export function requires(scope: Scope): (request: FastifyRequest) => Promise<void> {
  return async (request) => authorize(callerOf(request), scope)
}
