import { publicId } from '../../../lib/ids.ts'
import type { Operation } from '../../operation.ts'
import { invalidField } from '../../refusal.ts'
import { checkLine } from '../../text-field.ts'
import type { Card } from './card.ts'
import { insertCard, type NewCard, removeCards } from './card-store.ts'

const REF_LENGTH_MAX = 200
const BRAND_LENGTH_MAX = 40

export interface SaveCardInput extends Omit<NewCard, 'gatewayRef'> {
  /** Null: one that is made up, for gateways that know no cards. */
  readonly gatewayRef: string | null
}

/**
 * Saves a card that one of `gateways` knows, in place of the one that the account had. Refuses
 * `not_found` and `invalid_input`.
 */
export function saveCard(gateways: ReadonlySet<string>): Operation<SaveCardInput, Card> {
  return {
    name: 'card.save',
    permission: 'operator',
    async run({ tx, now, record }, input) {
      const { accountId, gateway, lastFour } = input
      if (!gateways.has(gateway)) {
        throw invalidField('/gateway', `must be one of: ${[...gateways].join(', ')}`)
      }
      if (!/^\d{4}$/.test(lastFour)) throw invalidField('/last_four', 'must be four digits')
      const gatewayRef = { pointer: '/card_ref', lengthMax: REF_LENGTH_MAX }
      const brand = { pointer: '/brand', lengthMax: BRAND_LENGTH_MAX }
      const checked = {
        ...input,
        gatewayRef: checkLine(input.gatewayRef ?? publicId('card', now.getTime()), gatewayRef),
        brand: checkLine(input.brand, brand),
      }
      for (const subjectId of await removeCards(tx, accountId, now)) {
        record({ kind: 'card.removed', subjectId, accountId })
      }
      const card = await insertCard(tx, checked, now)
      record({ kind: 'card.saved', subjectId: BigInt(card.id), accountId, data: { gateway } })
      return card
    },
  }
}
