import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { checkCycle } from '../catalogue/cycle-price.ts'
import { invalidField, Refusal } from '../refusal.ts'

/** What a new server of an account is to be sold as. */
export interface ServerAsked {
  readonly accountId: bigint
  readonly planId: bigint
  /** Months. */
  readonly billingCycle: number
  readonly addons: readonly { readonly addonId: bigint; readonly quantity: number }[]
}

interface PlanRow {
  readonly provider: string
  readonly state: string
  readonly minimumBillingCycle: number
  readonly isSold: boolean
}

interface AddonRow {
  readonly id: bigint
  readonly family: string
  readonly state: string
  readonly isSold: boolean
}

const QUANTITY_MAX = 100

/**
 * Where such a server runs, and the zone of its periods. Refuses `not_sold` where the plan or an
 * addon has no price in the account's currency for this cycle, and `invalid_input` for what does
 * not exist, is paused or goes together with none.
 */
export async function checkOffer(
  db: Db,
  asked: ServerAsked,
): Promise<{ provider: string; timeZone: string }> {
  const account = await db
    .selectFrom('account')
    .select(['currency', 'time_zone'])
    .where('id', '=', asked.accountId)
    .executeTakeFirst()
  if (!account) throw invalidField('/account_id', 'there is no such account', 'not_found')
  const { billingCycle } = asked
  checkCycle(billingCycle, '/billing_cycle')
  const sale = { currency: account.currency, billingCycle }
  const plan = await readPlanRow(db, { ...sale, planId: asked.planId })
  if (!plan) throw invalidField('/plan_id', 'there is no such plan', 'not_found')
  if (plan.state !== 'active') throw invalidField('/plan_id', 'is paused: not sold to new servers')
  if (billingCycle < plan.minimumBillingCycle) {
    const least = plan.minimumBillingCycle
    throw invalidField('/billing_cycle', `must be at least ${least} months for this plan`)
  }
  if (!plan.isSold) throw new Refusal('not_sold')
  checkAddons(asked, await readAddonRows(db, { ...sale, addons: asked.addons }))
  return { provider: plan.provider, timeZone: account.time_zone }
}

function checkAddons({ addons }: ServerAsked, known: readonly AddonRow[]): void {
  const families = new Set<string>()
  for (const [index, { addonId, quantity }] of addons.entries()) {
    const pointer = `/addons/${index}`
    const addon = known.find((one) => one.id === addonId)
    if (!addon) throw invalidField(`${pointer}/addon_id`, 'there is no such addon', 'not_found')
    if (addon.state !== 'active') throw invalidField(`${pointer}/addon_id`, 'is paused')
    if (families.has(addon.family)) {
      throw invalidField(`${pointer}/addon_id`, `is another choice of ${addon.family}`)
    }
    families.add(addon.family)
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > QUANTITY_MAX) {
      throw invalidField(`${pointer}/quantity`, `must be a whole number from 1 to ${QUANTITY_MAX}`)
    }
    if (!addon.isSold) throw new Refusal('not_sold')
  }
}

async function readPlanRow(
  db: Db,
  o: { planId: bigint; currency: string; billingCycle: number },
): Promise<PlanRow | undefined> {
  const { rows } = await sql<PlanRow>`
    select p.provider, p.state, p.minimum_billing_cycle as "minimumBillingCycle",
      c.plan_id is not null as "isSold"
    from plan p
    left join plan_price c on c.plan_id = p.id and c.currency = ${o.currency}
      and c.billing_cycle = ${o.billingCycle}
    where p.id = ${o.planId}`.execute(db)
  return rows[0]
}

async function readAddonRows(
  db: Db,
  o: { addons: ServerAsked['addons']; currency: string; billingCycle: number },
): Promise<AddonRow[]> {
  const { rows } = await sql<AddonRow>`
    select a.id, a.family, a.state, c.addon_id is not null as "isSold"
    from addon a
    left join addon_price c on c.addon_id = a.id and c.currency = ${o.currency}
      and c.billing_cycle = ${o.billingCycle}
    where a.id = any (${o.addons.map(({ addonId }) => addonId)}::bigint[])`.execute(db)
  return rows
}
