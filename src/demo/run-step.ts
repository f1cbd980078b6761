import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'

/** Takes one step of making the demo. */
export async function runStep<Input, Output>(
  funnel: Funnel,
  operation: Operation<Input, Output>,
  input: Input,
): Promise<Output> {
  return (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}
