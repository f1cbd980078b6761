import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'

/** How the work at one provider stands. */
export interface ProviderStanding {
  readonly name: string
  readonly services: number
  readonly openOrders: number
  /** Since when an open order waits to be looked at; null where none is due. */
  readonly dueSince: Date | null
}

/** The providers `names`, in that order, as their services and open orders tell. */
export async function readProviders(
  db: Db,
  names: readonly string[],
  now: Date,
): Promise<ProviderStanding[]> {
  const { rows } = await sql<{
    name: string
    services: number
    open_orders: number
    due_since: Date | null
  }>`
    select p.name, o.open_orders, o.due_since,
      (select count(*)::integer from service s where s.provider = p.name) as services
    from unnest(${[...names]}::text[]) with ordinality as p (name, position)
    left join lateral (
      select count(*)::integer as open_orders,
        min(o.look_at) filter (where o.look_at <= ${now}) as due_since
      from service_order o where o.look_at is not null and not o.unfolds and o.provider = p.name
    ) o on true
    order by p.position`.execute(db)
  return rows.map((row) => ({
    name: row.name,
    services: row.services,
    openOrders: row.open_orders,
    dueSince: row.due_since,
  }))
}
