import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import { unlessTaken } from '../unique.ts'
import type { CyclePriceRow } from './cycle-price.ts'
import type { Plan, PlanState, PlanTerms } from './plan.ts'
import { readPlan } from './plan-views.ts'

/** Refuses `conflict` by key. */
export async function insertPlan(
  tx: Tx,
  plan: { publicId: string; terms: PlanTerms; now: Date },
): Promise<bigint> {
  const { publicId, terms, now } = plan
  const { id } = await keyUnlessTaken(() =>
    tx
      .insertInto('plan')
      .values({ ...columnsOf(terms), public_id: publicId, created_at: now, updated_at: now })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return id
}

/** The plan, locked until the transaction ends. Refuses `not_found`. */
export async function lockPlan(tx: Tx, id: bigint): Promise<Plan> {
  await tx.selectFrom('plan').select('id').where('id', '=', id).forNoKeyUpdate().execute()
  return await readPlan(tx, id)
}

/** Refuses `conflict` by key. */
export async function updatePlanRow(
  tx: Tx,
  id: bigint,
  changes: { terms: PlanTerms; state: PlanState; now: Date },
): Promise<void> {
  const { terms, state, now } = changes
  await keyUnlessTaken(() =>
    tx
      .updateTable('plan')
      .set({ ...columnsOf(terms), state, updated_at: now })
      .where('id', '=', id)
      .execute(),
  )
}

/** Sells the plan for these prices and no others. */
export async function writePlanPrices(
  tx: Tx,
  planId: bigint,
  prices: readonly CyclePriceRow[],
): Promise<void> {
  await tx.deleteFrom('plan_price').where('plan_id', '=', planId).execute()
  await sql`
    insert into plan_price (plan_id, currency, billing_cycle, amount)
    select ${planId}, i.currency, i.cycle, i.amount
    from rows from (
      unnest(${prices.map((price) => price.currency)}::text[]),
      unnest(${prices.map((price) => price.billingCycle)}::smallint[]),
      unnest(${prices.map((price) => price.amountMicros)}::bigint[])
    ) as i (currency, cycle, amount)`.execute(tx)
}

function columnsOf(terms: PlanTerms) {
  return {
    key: terms.key,
    name: terms.name,
    vcpus: terms.vcpus,
    memory_mb: terms.memoryMb,
    disk_gb: terms.diskGb,
    bandwidth_gb: terms.bandwidthGb,
    minimum_billing_cycle: terms.minimumBillingCycle,
    provider: terms.provider,
    position: terms.position,
  }
}

function keyUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('plan_key_key', 'There is a plan with this key.', write)
}
