import type { Tx } from '../../db/database.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { PromoCode, PromoCodeTerms } from './promo-code.ts'
import { toPromoCode } from './promo-code-views.ts'

/** Refuses `conflict` by code, and an unknown plan. */
export async function insertPromoCode(
  tx: Tx,
  promo: { code: string; terms: PromoCodeTerms; now: Date },
): Promise<PromoCode> {
  const { code, terms, now } = promo
  const taken = 'There is a promo code with this name.'
  return await withPlan(() =>
    unlessTaken('promo_code_code_key', taken, async () =>
      toPromoCode(
        await tx
          .insertInto('promo_code')
          .values({ code, ...columnsOf(terms), created_at: now })
          .returningAll()
          .executeTakeFirstOrThrow(),
      ),
    ),
  )
}

/** The code, locked until the transaction ends. Refuses `not_found`. */
export async function lockPromoCode(tx: Tx, id: bigint): Promise<PromoCode> {
  const row = await tx
    .selectFrom('promo_code')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toPromoCode(row)
}

export async function updatePromoCodeRow(
  tx: Tx,
  id: bigint,
  changes: Pick<PromoCode, 'state' | 'isPublic' | 'validUntil'>,
): Promise<PromoCode> {
  return toPromoCode(
    await tx
      .updateTable('promo_code')
      .set({
        state: changes.state,
        is_public: changes.isPublic,
        valid_until: changes.validUntil === null ? null : new Date(changes.validUntil),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
}

function columnsOf(terms: PromoCodeTerms) {
  return {
    percent_ppm: terms.percentPpm,
    minimum_billing_cycle: terms.minimumBillingCycle,
    plan_id: terms.planId === null ? null : BigInt(terms.planId),
    is_public: terms.isPublic,
    valid_until: terms.validUntil === null ? null : new Date(terms.validUntil),
  }
}

async function withPlan<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (violatedConstraint(error) === 'promo_code_plan_fkey') {
      throw invalidField('/plan_id', 'there is no such plan')
    }
    throw error
  }
}
