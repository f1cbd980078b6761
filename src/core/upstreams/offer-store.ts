import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import type { UpstreamOffer } from './upstream-driver.ts'

/** Writes what an upstream lists; what it lists no longer is gone from now on. */
export async function writeOffers(
  tx: Tx,
  upstreamId: bigint,
  offers: readonly UpstreamOffer[],
  now: Date,
): Promise<void> {
  const column = columnOf(offers)
  await sql`
    insert into upstream_service (upstream_id, service, name, type, category, description, rate,
      min_quantity, max_quantity, can_refill, can_cancel, can_dripfeed, seen_at)
    select ${upstreamId}, i.*, ${now}::timestamptz
    from rows from (
      unnest(${column((offer) => offer.service)}::text[]),
      unnest(${column((offer) => offer.name)}::text[]),
      unnest(${column((offer) => offer.type)}::text[]),
      unnest(${column((offer) => offer.category)}::text[]),
      unnest(${column((offer) => offer.description)}::text[]),
      unnest(${column((offer) => offer.rateMicros)}::bigint[]),
      unnest(${column((offer) => offer.minQuantity)}::bigint[]),
      unnest(${column((offer) => offer.maxQuantity)}::bigint[]),
      unnest(${column((offer) => offer.canRefill)}::boolean[]),
      unnest(${column((offer) => offer.canCancel)}::boolean[]),
      unnest(${column((offer) => offer.canDripfeed)}::boolean[])
    ) as i (service, name, type, category, description, rate, min_quantity, max_quantity,
      can_refill, can_cancel, can_dripfeed)
    order by i.service
    on conflict (upstream_id, service) do update set
      name = excluded.name, type = excluded.type, category = excluded.category,
      description = excluded.description, rate = excluded.rate,
      min_quantity = excluded.min_quantity, max_quantity = excluded.max_quantity,
      can_refill = excluded.can_refill, can_cancel = excluded.can_cancel,
      can_dripfeed = excluded.can_dripfeed, seen_at = excluded.seen_at, gone_at = null`.execute(tx)
  await sql`
    update upstream_service set gone_at = ${now}::timestamptz
    where upstream_id = ${upstreamId} and gone_at is null
      and seen_at <> ${now}::timestamptz`.execute(tx)
}
