import type { Operation } from '../operation.ts'
import type { PromoCode, PromoCodeState } from './promo-code.ts'
import { lockPromoCode, updatePromoCodeRow } from './promo-code-store.ts'

export interface UpdatePromoCodeInput {
  readonly promoCodeId: bigint
  readonly state?: PromoCodeState | undefined
  readonly isPublic?: boolean | undefined
  readonly validUntil?: string | null | undefined
}

/**
 * Changes who can use a code, and until when; what it takes off is for life, since purchases tell
 * of it. Refuses `not_found`.
 */
export const updatePromoCode: Operation<UpdatePromoCodeInput, PromoCode> = {
  name: 'promo_code.update',
  permission: 'operator',
  async run({ tx, record }, { promoCodeId, ...changes }) {
    const before = await lockPromoCode(tx, promoCodeId)
    const given = Object.entries(changes).filter(([, value]) => value !== undefined)
    const after = { ...before, ...(Object.fromEntries(given) as Partial<PromoCode>) }
    record({
      kind: promoEvent(before.state, after.state),
      subjectId: promoCodeId,
      accountId: null,
      data: { fields: given.map(([field]) => field) },
    })
    return await updatePromoCodeRow(tx, promoCodeId, after)
  },
}

function promoEvent(before: PromoCodeState, after: PromoCodeState): string {
  if (before === after) return 'promo_code.updated'
  return after === 'active' ? 'promo_code.enabled' : 'promo_code.disabled'
}
