import { sql, type Updateable } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { Service as ServiceRow } from '../../db/schema.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import { readService, toCategory } from './catalogue-views.ts'
import type { Category } from './category.ts'
import type { Service } from './service.ts'
import type { ServiceType } from './service-type.ts'

/** Refuses `conflict` by name. */
export async function insertCategory(
  tx: Tx,
  category: { name: string; position: number },
): Promise<Category> {
  return await nameUnlessTaken(async () =>
    toCategory(
      await tx
        .insertInto('service_category')
        .values(category)
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** Refuses `conflict` by name and `not_found`. */
export async function updateCategoryRow(
  tx: Tx,
  id: bigint,
  changes: { name?: string; position?: number },
): Promise<Category> {
  const row = await nameUnlessTaken(() =>
    tx
      .updateTable('service_category')
      .set({ id: sql<bigint>`id`, ...changes })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst(),
  )
  if (!row) throw new Refusal('not_found')
  return toCategory(row)
}

function nameUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('service_category_name_key', 'There is a category of this name.', write)
}

export interface NewService {
  /** A number chosen before, which must be free; otherwise the next one is taken. */
  readonly id?: bigint
  readonly categoryId: bigint
  readonly name: string
  readonly description: string
  readonly type: ServiceType
  readonly position: number
  readonly minQuantity: number
  readonly maxQuantity: number
  readonly packageQuantity: number | null
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
  readonly provider: string
  /** From here on what is left out is as in most services: any link, any number, no refusal. */
  readonly quantityStep?: number | undefined
  readonly linkPattern?: string | null | undefined
  readonly oneActivePerLink?: boolean | undefined
  readonly refillDays?: number | null | undefined
  readonly refillCooldownHours?: number | undefined
  readonly confirmFirst?: boolean | undefined
}

/** Of a service that says nothing else. */
export const REFILL_COOLDOWN_HOURS = 24

/** Refuses an unknown category. */
export async function insertService(tx: Tx, service: NewService, now: Date): Promise<bigint> {
  return await inCategory(async () => {
    const { id } = await tx
      .insertInto('service')
      .values({
        ...(service.id === undefined ? {} : { id: service.id }),
        category_id: service.categoryId,
        name: service.name,
        description: service.description,
        type: service.type,
        position: service.position,
        min_quantity: BigInt(service.minQuantity),
        max_quantity: BigInt(service.maxQuantity),
        package_quantity: service.packageQuantity === null ? null : BigInt(service.packageQuantity),
        can_refill: service.canRefill,
        can_cancel: service.canCancel,
        can_dripfeed: service.canDripfeed,
        provider: service.provider,
        quantity_step: BigInt(service.quantityStep ?? 1),
        link_pattern: service.linkPattern ?? null,
        one_active_per_link: service.oneActivePerLink ?? false,
        refill_days: service.refillDays ?? null,
        refill_cooldown_hours: service.refillCooldownHours ?? REFILL_COOLDOWN_HOURS,
        confirm_first: service.confirmFirst ?? false,
        created_at: now,
        updated_at: now,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    if (service.id !== undefined) {
      // Services to come continue behind the highest number.
      await sql`
        select setval(pg_get_serial_sequence('service', 'id'), max(id)) from service`.execute(tx)
    }
    return id
  })
}

/** Refuses an unknown category. */
export async function updateServiceRow(
  tx: Tx,
  id: bigint,
  changes: Updateable<ServiceRow>,
): Promise<void> {
  await inCategory(() => tx.updateTable('service').set(changes).where('id', '=', id).execute())
}

async function inCategory<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (violatedConstraint(error) === 'service_category_fkey') {
      throw invalidField('/category_id', 'there is no such category')
    }
    throw error
  }
}

/** The service, locked until the transaction ends. Refuses `not_found`. */
export async function lockService(tx: Tx, id: bigint): Promise<Service> {
  await tx.selectFrom('service').select('id').where('id', '=', id).forNoKeyUpdate().execute()
  return await readService(tx, id)
}

/** Micros for 1000. A least charge that is left out stays as it is. */
export async function upsertPrice(
  tx: Tx,
  price: {
    serviceId: bigint
    currency: string
    rateMicros: bigint
    minChargeMicros?: bigint | undefined
  },
): Promise<void> {
  const { rateMicros: rate, minChargeMicros } = price
  const changes = {
    rate,
    ...(minChargeMicros === undefined ? {} : { min_charge: minChargeMicros }),
  }
  await tx
    .insertInto('service_price')
    .values({ service_id: price.serviceId, currency: price.currency, ...changes })
    .onConflict((conflict) => conflict.columns(['service_id', 'currency']).doUpdateSet(changes))
    .execute()
}

/** Whether there was one. */
export async function deletePrice(
  tx: Tx,
  price: { serviceId: bigint; currency: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('service_price')
    .where('service_id', '=', price.serviceId)
    .where('currency', '=', price.currency)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}
