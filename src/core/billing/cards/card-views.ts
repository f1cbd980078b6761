import type { Selectable } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { Card as CardRow } from '../../../db/schema.ts'
import type { Card } from './card.ts'

/** The account's saved card. */
export async function findCard(db: Db, accountId: bigint): Promise<Card | undefined> {
  const row = await db
    .selectFrom('card')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row && toCard(row)
}

export function toCard(row: Selectable<CardRow>): Card {
  return {
    id: String(row.id),
    gateway: row.gateway,
    brand: row.brand,
    lastFour: row.last_four,
    createdAt: row.created_at.toISOString(),
  }
}
