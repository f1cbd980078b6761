import { sql } from 'kysely'
import type { Tx } from '../db/database.ts'

/** The lock under which an epoch moves. Placing orders holds it shared, so that an order is either
 * before the change or sees it. */
export const EPOCH_LOCK = 7078

/**
 * Says that what processes cache (keys with their accounts, or the catalogue) changes in this
 * transaction. Call it before anything else is locked: who places orders takes this lock first and
 * the wallets second.
 */
export async function moveEpoch(tx: Tx, name: 'key' | 'catalogue'): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(EPOCH_LOCK)})`.execute(tx)
  await sql`update epoch set value = value + 1 where name = ${name}`.execute(tx)
}
