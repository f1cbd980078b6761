import { sql } from 'kysely'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import type { Tx } from '../db/database.ts'

/**
 * Says that what processes cache (keys with their accounts, or the catalogue) changes in this
 * transaction. Call it before anything else is locked: who places orders takes this lock first and
 * the wallets second.
 */
export async function moveEpoch(tx: Tx, name: 'key' | 'catalogue'): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCKS.epoch)})`.execute(tx)
  await sql`update epoch set value = value + 1 where name = ${name}`.execute(tx)
}
