import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'

/** Orders that ended longer ago say nothing of today. */
const LATELY_DAYS = 30
/** Of how many orders of a service at most. */
const ORDERS_MAX = 100

interface Pace {
  readonly serviceId: bigint
  readonly averageSeconds: bigint
  readonly counted: number
}

/**
 * Measures how long the orders of up to `limit` services took that were completed lately, from
 * their making to their end; those with an interval that the customer chose are left out. What
 * has moved by less than a minute stays, so that the catalogue is not read anew for nothing.
 */
export const measurePace: Operation<
  { after: string; limit: number },
  { last: string | null; changed: number }
> = {
  name: 'service.measure_pace',
  permission: 'system',
  async run({ tx, now }, { after, limit }) {
    const services = await tx
      .selectFrom('service')
      .select('id')
      .where('id', '>', BigInt(after))
      .orderBy('id')
      .limit(limit)
      .execute()
    const ids = services.map(({ id }) => id)
    const changed = await readChanged(tx, ids, now)
    if (changed.length > 0) {
      await moveEpoch(tx, 'catalogue')
      await writePaces(tx, changed, now)
    }
    const last = ids.length < limit ? undefined : ids.at(-1)
    return { last: last === undefined ? null : String(last), changed: changed.length }
  },
}

/** Nothing is locked here: the epoch has to be moved first. */
async function readChanged(tx: Tx, ids: readonly bigint[], now: Date): Promise<Pace[]> {
  const { rows } = await sql<Pace>`
    select i.id as "serviceId", p.seconds as "averageSeconds", p.counted
    from unnest(${ids}::bigint[]) as i (id)
    cross join lateral (
      select round(avg(extract(epoch from e.ended_at - e.created_at)))::bigint as seconds,
        count(*)::integer as counted
      from (
        select o.created_at, o.ended_at, o.state, o.unfolds from service_order o
        where o.service_id = i.id and o.parent_id is null
          and o.ended_at > ${now}::timestamptz - ${LATELY_DAYS} * interval '1 day'
        order by o.ended_at desc limit ${ORDERS_MAX}
      ) e
      where e.state = 'completed' and not e.unfolds
    ) p
    left join service_pace b on b.service_id = i.id
    where p.counted > 0
      and (b.service_id is null or abs(b.average_seconds - p.seconds) >= 60)
    order by i.id`.execute(tx)
  return rows
}

async function writePaces(tx: Tx, paces: readonly Pace[], now: Date): Promise<void> {
  await tx
    .insertInto('service_pace')
    .values(
      paces.map((pace) => ({
        service_id: pace.serviceId,
        average_seconds: pace.averageSeconds,
        counted: pace.counted,
        computed_at: now,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('service_id').doUpdateSet((eb) => ({
        average_seconds: eb.ref('excluded.average_seconds'),
        counted: eb.ref('excluded.counted'),
        computed_at: eb.ref('excluded.computed_at'),
      })),
    )
    .execute()
}
