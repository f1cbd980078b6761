import type { FastifyReply, FastifyRequest } from 'fastify'
import { authorize } from '../../core/execute.ts'
import type { Scope } from '../../core/scope.ts'
import {
  type CustomerActor,
  customerCaller,
  findCustomer,
} from '../../http/rest/customer-caller.ts'
import type { HostupDeps } from './hostup-deps.ts'

/** Who makes each request that is being answered. */
const callers = new WeakMap<FastifyRequest, CustomerActor>()

/** Finds out who asks and counts the request. Refuses `unauthorized`, `rate_limited`. */
export async function identify(
  deps: HostupDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  callers.set(request, await customerCaller(deps, request, reply))
}

/** The same where nobody has to say who asks; a key that does not work is refused all the same. */
export async function identifyIfAny(
  deps: HostupDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const actor = await findCustomer(deps, request, reply)
  if (actor !== undefined) callers.set(request, actor)
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
