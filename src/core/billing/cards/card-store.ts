import type { Tx } from '../../../db/database.ts'
import { lockWallet } from '../../ledger/wallets.ts'
import type { Card } from './card.ts'
import { toCard } from './card-views.ts'

export interface NewCard {
  readonly accountId: bigint
  readonly gateway: string
  readonly gatewayRef: string
  readonly brand: string
  readonly lastFour: string
}

/** Takes the account's wallet, so that no payment picks a card meanwhile. Refuses `not_found`. */
export async function removeCards(tx: Tx, accountId: bigint, now: Date): Promise<bigint[]> {
  await lockWallet(tx, accountId)
  const rows = await tx
    .updateTable('card')
    .set({ removed_at: now })
    .where('account_id', '=', accountId)
    .where('removed_at', 'is', null)
    .returning('id')
    .execute()
  return rows.map((row) => row.id)
}

export async function insertCard(tx: Tx, card: NewCard, now: Date): Promise<Card> {
  return toCard(
    await tx
      .insertInto('card')
      .values({
        account_id: card.accountId,
        gateway: card.gateway,
        gateway_ref: card.gatewayRef,
        brand: card.brand,
        last_four: card.lastFour,
        created_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
}
