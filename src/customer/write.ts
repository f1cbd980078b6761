import type { FastifyReply, FastifyRequest } from 'fastify'
import { execute } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import { bearerKey } from '../http/customer-key.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../http/idempotency-key.ts'
import { callerOf } from '../http/rest/caller.ts'
import { CUSTOMER_COOKIE, readCookie } from '../http/rest/session-cookie.ts'
import type { CustomerDeps } from './customer-deps.ts'

/** Runs an operation for the customer who asks, under the request's `Idempotency-Key`. */
export async function write<Input, Output>(
  deps: CustomerDeps,
  o: {
    request: FastifyRequest
    reply: FastifyReply
    operation: Operation<Input, Output>
    input: Input
  },
): Promise<Output> {
  const { request } = o
  const secret = bearerKey(request) ?? readCookie(request, CUSTOMER_COOKIE)
  const effect = await execute(deps.funnel, o.operation, {
    actor: callerOf(request),
    input: o.input,
    idempotencyKey: idempotencyKeyOf(request, undefined),
    ...(secret === undefined ? {} : { sealWith: secret }),
  })
  return toldIfReplayed(o.reply, effect)
}
