import type { Operation } from '../../operation.ts'
import { removeCards } from './card-store.ts'

/** Forgets the account's saved card, where it has one. Refuses `not_found`. */
export const removeCard: Operation<{ accountId: bigint }, null> = {
  name: 'card.remove',
  permission: 'operator',
  async run({ tx, now, record }, { accountId }) {
    for (const subjectId of await removeCards(tx, accountId, now)) {
      record({ kind: 'card.removed', subjectId, accountId })
    }
    return null
  },
}
