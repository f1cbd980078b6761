import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { invalidField } from '../refusal.ts'

/** What a promo code takes off, and off what. */
export interface PromoTerms {
  readonly id: bigint
  readonly code: string
  readonly percentPpm: number
  readonly minimumBillingCycle: number
  /** The only plan it is for; null: every plan. */
  readonly planId: bigint | null
}

const TERMS = sql`id, code, percent_ppm as "percentPpm",
  minimum_billing_cycle as "minimumBillingCycle", plan_id as "planId"`

/** A code that may be used at `now`, however it is capitalised. Refuses `invalid_input`. */
export async function readPromo(db: Db, o: { code: string; now: Date }): Promise<PromoTerms> {
  const { rows } = await sql<PromoTerms>`
    select ${TERMS} from promo_code
    where lower(code) = lower(${o.code}) and state = 'active'
      and (valid_until is null or valid_until > ${o.now}::timestamptz)`.execute(db)
  const promo = rows[0]
  if (!promo) throw invalidField('/promo_code', 'is not a code that can be used')
  return promo
}

/** The code that was accepted before; it may not be for everybody any more. */
export async function readAcceptedPromo(db: Db, id: bigint): Promise<PromoTerms> {
  const { rows } = await sql<PromoTerms>`select ${TERMS} from promo_code where id = ${id}`.execute(
    db,
  )
  const promo = rows[0]
  if (!promo) throw new Error(`there is no promo code ${id}`)
  return promo
}

/** Whether it is for this plan and for renewals of so many months. */
export function promoApplies(
  promo: PromoTerms,
  line: { readonly planId: bigint; readonly billingCycle: number },
): boolean {
  const { minimumBillingCycle, planId } = promo
  return line.billingCycle >= minimumBillingCycle && (planId === null || planId === line.planId)
}
