import type { FastifyReply, FastifyRequest } from 'fastify'
import { execute } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import { toldIfReplayed } from '../http/idempotency-key.ts'
import type { AdminDeps } from './admin-deps.ts'
import { callerOf } from './caller.ts'

/** Runs an operation for the operator who asks, under the request's `Idempotency-Key`. */
export async function write<Input, Output>(
  deps: AdminDeps,
  o: {
    request: FastifyRequest
    reply: FastifyReply
    operation: Operation<Input, Output>
    input: Input
  },
): Promise<Output> {
  const { actor, secret } = callerOf(o.request)
  const key = o.request.headers['idempotency-key']
  const effect = await execute(deps.funnel, o.operation, {
    actor,
    input: o.input,
    idempotencyKey: key === undefined ? null : String(key),
    sealWith: secret,
  })
  // This process sees the change at once, others within a second. It is committed: that the
  // database went away since is no reason to deny it.
  if (!effect.replayed) await deps.watch.refresh().catch(() => {})
  return toldIfReplayed(o.reply, effect)
}
