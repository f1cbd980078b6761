import type { Database } from '../../db/database.ts'
import { claimUntoldRows, type UntoldServer } from './server-store.ts'

/** Takes up to `limit` servers for `lease` of whose state their providers are to be told. */
export async function claimUntold(
  database: Pick<Database, 'transaction'>,
  o: { now: Date; lease: string; limit: number },
): Promise<UntoldServer[]> {
  return await database.transaction((tx) => claimUntoldRows(tx, o))
}
