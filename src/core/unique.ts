import { violatedConstraint } from '../db/violated-constraint.ts'
import { Refusal } from './refusal.ts'

/** Runs a write; refuses `conflict` with `detail` where it meets the unique index `constraint`. */
export async function unlessTaken<T>(
  constraint: string,
  detail: string,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (violatedConstraint(error) === constraint) {
      throw new Refusal('conflict', { detail, cause: error })
    }
    throw error
  }
}
