import type { FastifyReply, FastifyRequest } from 'fastify'
import { readPurchase } from '../../core/billing/purchase-views.ts'
import { execute } from '../../core/execute.ts'
import type { Operation } from '../../core/operation.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../../http/idempotency-key.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { orderText } from './order-text.ts'
import type { VpsbgDeps } from './vpsbg-deps.ts'

interface Write<Input, Output> {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly operation: Operation<Input, Output>
  readonly input: Input
}

/** Runs an operation for the owner of the key, under the request's `Idempotency-Key`. */
export async function write<Input, Output>(
  deps: VpsbgDeps,
  { request, reply, operation, input }: Write<Input, Output>,
): Promise<Output> {
  const effect = await execute(deps.funnel, operation, {
    actor: callerOf(request),
    input,
    idempotencyKey: idempotencyKeyOf(request, undefined),
  })
  return toldIfReplayed(reply, effect)
}

/**
 * The same for an operation on one order, whose text is the answer. It is kept with the effect,
 * so that a repeat is answered as the first was, whatever has become of the order since.
 */
export async function writeOrder<Input, Output extends { readonly purchaseId: string }>(
  deps: VpsbgDeps,
  o: Write<Input, Output>,
): Promise<string> {
  const { accountId } = callerOf(o.request)
  const textOf = async (db: Parameters<typeof readPurchase>[0], id: string): Promise<string> =>
    JSON.stringify(orderText(await readPurchase(db, { accountId, id: BigInt(id) })))
  const operation: Operation<Input, Output & { readonly vpsbg?: string }> = {
    ...o.operation,
    async run(context, input) {
      const output = await o.operation.run(context, input)
      return { ...output, vpsbg: await textOf(context.tx, output.purchaseId) }
    },
  }
  const { vpsbg, purchaseId } = await write(deps, { ...o, operation })
  // Another API has had the effect, and kept no text of ours.
  return vpsbg ?? (await textOf(deps.funnel.database.db, purchaseId))
}
