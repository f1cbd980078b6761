import { SYSTEM } from '../src/core/actor.ts'
import { execute, type Funnel } from '../src/core/execute.ts'
import type { Operation } from '../src/core/operation.ts'
import type { Database } from '../src/db/database.ts'
import { ShiftedClock } from '../src/lib/clock.ts'

/** Runs operations on a database as Purser itself does. */
export function asSystem(
  database: Database,
): <Input, Output>(operation: Operation<Input, Output>, input: Input) => Promise<Output> {
  const funnel: Funnel = { database, clock: new ShiftedClock() }
  return async (operation, input) =>
    (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}
