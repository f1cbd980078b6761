import { createTaxProfile } from '../core/billing/tax/create-tax-profile.ts'
import { listTaxProfiles } from '../core/billing/tax/tax-profile-views.ts'
import { listAddons } from '../core/catalogue/addon-views.ts'
import { createAddon } from '../core/catalogue/create-addon.ts'
import { createPlan } from '../core/catalogue/create-plan.ts'
import { createPromoCode } from '../core/catalogue/create-promo-code.ts'
import { listPlans } from '../core/catalogue/plan-views.ts'
import { listPromoCodes } from '../core/catalogue/promo-code-views.ts'
import type { Funnel } from '../core/execute.ts'
import { DEMO_ADDONS, DEMO_PLANS, demoPrices } from './demo-plans.ts'
import { runStep } from './run-step.ts'

const LISTED_MAX = 10_000
const PROVIDER = 'simulated'
const PROMO_CODE = 'RENEW10'

/** Makes the plans, addons and the promo code of the demo, as far as they are missing. */
export async function seedPlans(funnel: Funnel): Promise<void> {
  const { db } = funnel.database
  const everything = { limit: LISTED_MAX }
  const plans = new Set((await listPlans(db, everything)).map(({ key }) => key))
  const add = createPlan(new Set([PROVIDER]))
  for (const [position, { prices, ...plan }] of DEMO_PLANS.entries()) {
    if (plans.has(plan.key)) continue
    const sale = { minimumBillingCycle: 1, provider: PROVIDER, position }
    await runStep(funnel, add, { ...plan, ...sale, prices: demoPrices(prices) })
  }
  const addons = new Set((await listAddons(db, everything)).map(({ key }) => key))
  for (const [position, { prices, ...addon }] of DEMO_ADDONS.entries()) {
    if (addons.has(addon.key)) continue
    await runStep(funnel, createAddon, { ...addon, position, prices: demoPrices(prices) })
  }
  const codes = (await listPromoCodes(db, everything)).map(({ code }) => code)
  if (!codes.includes(PROMO_CODE)) {
    await runStep(funnel, createPromoCode, {
      code: PROMO_CODE,
      percentPpm: 100_000,
      minimumBillingCycle: 1,
      planId: null,
      isPublic: true,
      validUntil: null,
    })
  }
}

/** The id of a tax profile with this rate within prices, made where it is missing. */
export async function seedTaxProfile(funnel: Funnel, ratePercent: number): Promise<bigint> {
  const name = `VAT ${ratePercent} %, within prices`
  const profiles = await listTaxProfiles(funnel.database.db, { limit: LISTED_MAX })
  const ratePpm = ratePercent * 10_000
  const terms = { name, ratePpm, pricesIncludeTax: true }
  const profile =
    profiles.find((known) => known.name === name) ??
    (await runStep(funnel, createTaxProfile, terms))
  return BigInt(profile.id)
}
