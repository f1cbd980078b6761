import { type Selectable, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Addon as AddonRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { Addon, AddonState } from './addon.ts'
import type { CyclePrice } from './cycle-price.ts'

/** Refuses `not_found`. */
export async function readAddon(db: Db, id: bigint): Promise<Addon> {
  const [addon] = await addons(db, { id, limit: 1 })
  if (!addon) throw new Refusal('not_found')
  return addon
}

/** By id, above `after`; paused ones too. */
export async function listAddons(
  db: Db,
  o: {
    after?: bigint | undefined
    state?: AddonState | undefined
    family?: string | undefined
    limit: number
  },
): Promise<Addon[]> {
  return await addons(db, o)
}

async function addons(
  db: Db,
  o: {
    id?: bigint
    after?: bigint | undefined
    state?: AddonState | undefined
    family?: string | undefined
    limit: number
  },
): Promise<Addon[]> {
  let query = db
    .selectFrom('addon as a')
    .selectAll('a')
    .select((eb) =>
      eb
        .selectFrom('addon_price as c')
        .whereRef('c.addon_id', '=', 'a.id')
        .select(
          sql<CyclePrice[] | null>`json_agg(json_build_object('currency', c.currency,
            'billingCycle', c.billing_cycle, 'amountMicros', c.amount::text)
            order by c.currency, c.billing_cycle)`.as('list'),
        )
        .as('prices'),
    )
    .orderBy('a.id')
    .limit(o.limit)
  if (o.id !== undefined) query = query.where('a.id', '=', o.id)
  if (o.after !== undefined) query = query.where('a.id', '>', o.after)
  if (o.state !== undefined) query = query.where('a.state', '=', o.state)
  if (o.family !== undefined) query = query.where('a.family', '=', o.family)
  return (await query.execute()).map(toAddon)
}

function toAddon(row: Selectable<AddonRow> & { prices: CyclePrice[] | null }): Addon {
  return {
    id: String(row.id),
    publicId: row.public_id,
    key: row.key,
    family: row.family,
    name: row.name,
    state: row.state as AddonState,
    position: row.position,
    prices: row.prices ?? [],
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
