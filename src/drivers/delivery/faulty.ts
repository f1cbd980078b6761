import { type SimulatedOperation, takeSimulatedFault } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'

/** A fault that was asked for, or the work. A timeout is work whose answer is lost. */
export async function faulty<T>(
  { pool }: SimulatedWorld,
  operation: SimulatedOperation,
  by: { work(): Promise<T>; refuse(): T },
): Promise<T> {
  switch (await takeSimulatedFault(pool, operation)) {
    case 'refuse':
      return by.refuse()
    case 'error':
      throw new Error(`the simulated provider failed to ${operation}`)
    case 'timeout':
      await by.work()
      throw new Error(`the simulated provider's answer to ${operation} was lost`)
    case undefined:
      return await by.work()
  }
}
