import type { Database } from '../../../db/database.ts'
import type { Operation } from '../../operation.ts'
import type { Heard } from './ask-to-refill.ts'
import type { AskedWork } from './refill.ts'
import { lockRefills, takeDueWorks } from './refill-store.ts'
import { writeHeard } from './write-heard.ts'

/**
 * Takes up to `limit` works of refills that are due at `now` for `lease`, the longest due first;
 * nobody else asks for them until that has lapsed or what was heard is recorded.
 */
export async function claimRefills(
  database: Database,
  o: { now: Date; lease: string; limit: number },
): Promise<AskedWork[]> {
  return await database.transaction((tx) => takeDueWorks(tx, o))
}

export interface RecordRefillsInput {
  /** Those that were claimed. */
  readonly refillIds: readonly bigint[]
  readonly heard: readonly Heard[]
  readonly lease: string
}

/** Writes what providers said of the refills that were claimed, and lets go of all of them. */
export const recordRefills: Operation<RecordRefillsInput, { refills: number }> = {
  name: 'refill.record',
  permission: 'system',
  async run(context, { refillIds, heard, lease }) {
    const refills = await lockRefills(context.tx, [...new Set(refillIds)])
    await writeHeard(context, { refills, heard, lease, answering: false })
    return { refills: refills.size }
  },
}
