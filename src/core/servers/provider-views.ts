import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'

/** How the work at one provider of servers stands. */
export interface ComputeStanding {
  readonly name: string
  readonly plans: number
  readonly servers: number
  /** Since when a server's state waits to be told; null where none does. */
  readonly dueSince: Date | null
}

/** The providers `names`, in that order, as their plans and servers tell. */
export async function readComputeProviders(
  db: Db,
  names: readonly string[],
  now: Date,
): Promise<ComputeStanding[]> {
  const { rows } = await sql<ComputeStanding>`
    select n.name, s.servers, s.due_since as "dueSince",
      (select count(*)::integer from plan p where p.provider = n.name) as plans
    from unnest(${[...names]}::text[]) with ordinality as n (name, position)
    left join lateral (
      select count(*)::integer as servers,
        min(v.look_at) filter (where v.look_at <= ${now}) as due_since
      from server v where v.provider = n.name and v.state <> 'terminated'
    ) s on true
    order by n.position`.execute(db)
  return rows
}
