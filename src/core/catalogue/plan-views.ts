import { type Selectable, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Plan as PlanRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { CyclePrice } from './cycle-price.ts'
import type { Plan, PlanState } from './plan.ts'

/** Refuses `not_found`. */
export async function readPlan(db: Db, id: bigint): Promise<Plan> {
  const [plan] = await plans(db, { id, limit: 1 })
  if (!plan) throw new Refusal('not_found')
  return plan
}

/** By id, above `after`; paused ones too. */
export async function listPlans(
  db: Db,
  o: { after?: bigint | undefined; state?: PlanState | undefined; limit: number },
): Promise<Plan[]> {
  return await plans(db, o)
}

async function plans(
  db: Db,
  o: {
    id?: bigint
    after?: bigint | undefined
    state?: PlanState | undefined
    limit: number
  },
): Promise<Plan[]> {
  let query = db
    .selectFrom('plan as p')
    .selectAll('p')
    .select((eb) =>
      eb
        .selectFrom('plan_price as c')
        .whereRef('c.plan_id', '=', 'p.id')
        .select(
          sql<CyclePrice[] | null>`json_agg(json_build_object('currency', c.currency,
            'billingCycle', c.billing_cycle, 'amountMicros', c.amount::text)
            order by c.currency, c.billing_cycle)`.as('list'),
        )
        .as('prices'),
    )
    .orderBy('p.id')
    .limit(o.limit)
  if (o.id !== undefined) query = query.where('p.id', '=', o.id)
  if (o.after !== undefined) query = query.where('p.id', '>', o.after)
  if (o.state !== undefined) query = query.where('p.state', '=', o.state)
  return (await query.execute()).map(toPlan)
}

function toPlan(row: Selectable<PlanRow> & { prices: CyclePrice[] | null }): Plan {
  return {
    id: String(row.id),
    publicId: row.public_id,
    key: row.key,
    name: row.name,
    vcpus: row.vcpus,
    memoryMb: row.memory_mb,
    diskGb: row.disk_gb,
    bandwidthGb: row.bandwidth_gb,
    minimumBillingCycle: row.minimum_billing_cycle,
    provider: row.provider,
    state: row.state as PlanState,
    position: row.position,
    prices: row.prices ?? [],
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
