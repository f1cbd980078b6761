import { type Selectable, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Service as ServiceRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Category } from './category.ts'
import type { Service, ServicePrice, ServiceProvider, ServiceState } from './service.ts'
import type { ServiceType } from './service-type.ts'

/** By id, above `after`. */
export async function listCategories(
  db: Db,
  o: { after?: bigint | undefined; limit: number },
): Promise<Category[]> {
  let query = db.selectFrom('service_category').selectAll().orderBy('id').limit(o.limit)
  if (o.after !== undefined) query = query.where('id', '>', o.after)
  return (await query.execute()).map(toCategory)
}

export function toCategory(row: { id: bigint; name: string; position: number }): Category {
  return { id: String(row.id), name: row.name, position: row.position }
}

/** Refuses `not_found`. */
export async function readService(db: Db, id: bigint): Promise<Service> {
  const [service] = await services(db, { id, limit: 1 })
  if (!service) throw new Refusal('not_found')
  return service
}

/** By id, above `after`; paused ones too. */
export async function listServices(
  db: Db,
  o: { after?: bigint | undefined; state?: string | undefined; limit: number },
): Promise<Service[]> {
  return await services(db, o)
}

async function services(
  db: Db,
  o: {
    id?: bigint
    after?: bigint | undefined
    state?: string | undefined
    limit: number
  },
): Promise<Service[]> {
  let query = db
    .selectFrom('service as s')
    .selectAll('s')
    .select((eb) =>
      eb
        .selectFrom('service_price as p')
        .whereRef('p.service_id', '=', 's.id')
        .select(
          sql<ServicePrice[] | null>`json_agg(json_build_object(
            'currency', p.currency, 'rateMicros', p.rate::text, 'minChargeMicros', p.min_charge::text) order by p.currency)`.as(
            'list',
          ),
        )
        .as('prices'),
    )
    .select((eb) =>
      eb
        .selectFrom('service_provider as d')
        .whereRef('d.service_id', '=', 's.id')
        .select(
          sql<ServiceProvider[] | null>`json_agg(json_build_object(
            'provider', d.provider, 'upstreamService', d.upstream_service,
            'followsPrice', d.follows_price, 'marginPpm', d.margin_ppm,
            'marginFixedMicros', d.margin_fixed::text) order by d.position)`.as('list'),
        )
        .as('providers'),
    )
    .select((eb) =>
      eb
        .selectFrom('service_pace as t')
        .whereRef('t.service_id', '=', 's.id')
        .select('t.average_seconds')
        .as('average_seconds'),
    )
    .orderBy('s.id')
    .limit(o.limit)
  if (o.id !== undefined) query = query.where('s.id', '=', o.id)
  if (o.after !== undefined) query = query.where('s.id', '>', o.after)
  if (o.state !== undefined) query = query.where('s.state', '=', o.state)
  return (await query.execute()).map(toService)
}

function toService(
  row: Selectable<ServiceRow> & {
    prices: ServicePrice[] | null
    providers: ServiceProvider[] | null
    average_seconds: bigint | null
  },
): Service {
  return {
    id: String(row.id),
    categoryId: String(row.category_id),
    name: row.name,
    description: row.description,
    type: row.type as ServiceType,
    state: row.state as ServiceState,
    position: row.position,
    minQuantity: Number(row.min_quantity),
    maxQuantity: Number(row.max_quantity),
    packageQuantity: row.package_quantity === null ? null : Number(row.package_quantity),
    canRefill: row.can_refill,
    canCancel: row.can_cancel,
    canDripfeed: row.can_dripfeed,
    quantityStep: Number(row.quantity_step),
    linkPattern: row.link_pattern,
    oneActivePerLink: row.one_active_per_link,
    refillDays: row.refill_days,
    refillCooldownHours: row.refill_cooldown_hours,
    confirmFirst: row.confirm_first,
    averageSeconds: row.average_seconds === null ? null : Number(row.average_seconds),
    provider: row.provider,
    providers: row.providers ?? [],
    prices: row.prices ?? [],
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
