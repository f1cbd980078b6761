import type { Operation } from '../operation.ts'
import {
  checkPromoCode,
  checkPromoTerms,
  type PromoCode,
  type PromoCodeTerms,
} from './promo-code.ts'
import { insertPromoCode } from './promo-code-store.ts'

export interface CreatePromoCodeInput extends PromoCodeTerms {
  readonly code: string
}

/** Adds a promo code, usable at once. Refuses `invalid_input`, and `conflict` by code. */
export const createPromoCode: Operation<CreatePromoCodeInput, PromoCode> = {
  name: 'promo_code.create',
  permission: 'operator',
  async run({ tx, now, record }, { code, ...terms }) {
    checkPromoTerms(terms)
    const promo = await insertPromoCode(tx, { code: checkPromoCode(code), terms, now })
    record({ kind: 'promo_code.created', subjectId: BigInt(promo.id), accountId: null })
    return promo
  },
}
