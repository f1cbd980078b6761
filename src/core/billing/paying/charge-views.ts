import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'

/** How a charge of a card stands: pending, succeeded or declined. */
export async function findChargeState(db: Db, id: bigint): Promise<string | null> {
  const { rows } = await sql<{ state: string }>`
    select state from card_charge where id = ${id}`.execute(db)
  return rows[0]?.state ?? null
}
