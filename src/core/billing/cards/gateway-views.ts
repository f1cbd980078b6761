import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'

/** How the work at one gateway of saved cards stands. */
export interface GatewayStanding {
  readonly name: string
  readonly cards: number
  /** Since when a charge waits to be asked about again; null where none does. */
  readonly dueSince: Date | null
}

/** The gateways `names`, in that order, as their cards and charges tell. */
export async function readGateways(
  db: Db,
  names: readonly string[],
  now: Date,
): Promise<GatewayStanding[]> {
  const { rows } = await sql<GatewayStanding>`
    select n.name,
      (select count(*)::integer from card c where c.gateway = n.name and c.removed_at is null)
        as cards,
      (
        select min(h.look_at) from card_charge h join card c on c.id = h.card_id
        where h.look_at <= ${now} and c.gateway = n.name
      ) as "dueSince"
    from unnest(${[...names]}::text[]) with ordinality as n (name, position)
    order by n.position`.execute(db)
  return rows
}
