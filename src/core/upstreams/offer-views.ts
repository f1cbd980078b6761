import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'

/** A service of an upstream as its list last said, and what is sold here by it. */
export interface StoredOffer {
  /** Its place in the list. */
  readonly id: string
  readonly service: string
  readonly name: string
  readonly type: string
  readonly category: string
  readonly description: string
  readonly rateMicros: bigint
  readonly minQuantity: bigint
  readonly maxQuantity: bigint
  readonly canRefill: boolean
  readonly canCancel: boolean
  readonly canDripfeed: boolean
  readonly seenAt: Date
  /** Since when it is no longer listed. */
  readonly goneAt: Date | null
  /** The services here that name it. */
  readonly serviceIds: readonly bigint[]
}

/** In the order of the names that the upstream has for them, from behind the place `after`. */
export async function listOffers(
  db: Db,
  o: { upstreamId: bigint; after?: bigint | undefined; limit: number },
): Promise<StoredOffer[]> {
  const { rows } = await sql<StoredOffer>`
    select o.place::text as id, o.service, o.name, o.type, o.category, o.description,
      o.rate as "rateMicros", o.min_quantity as "minQuantity", o.max_quantity as "maxQuantity",
      o.can_refill as "canRefill", o.can_cancel as "canCancel", o.can_dripfeed as "canDripfeed",
      o.seen_at as "seenAt", o.gone_at as "goneAt",
      array(
        select p.service_id from service_provider p join upstream u on u.name = p.provider
        where u.id = o.upstream_id and p.upstream_service = o.service
        order by p.service_id
      ) as "serviceIds"
    from (
      select s.*, row_number() over (order by length(s.service), s.service) as place
      from upstream_service s where s.upstream_id = ${o.upstreamId}
    ) o
    where o.place > ${o.after ?? 0n}
    order by o.place limit ${o.limit}`.execute(db)
  return rows
}

/** All that an upstream lists now, by its names for them. */
export async function readOffers(
  db: Db,
  upstreamId: bigint,
): Promise<ReadonlyMap<string, KnownOffer>> {
  const { rows } = await sql<KnownOffer>`
    select service, name, type, category, description, rate as "rateMicros",
      min_quantity as "minQuantity", max_quantity as "maxQuantity", can_refill as "canRefill",
      can_cancel as "canCancel", can_dripfeed as "canDripfeed", gone_at as "goneAt"
    from upstream_service where upstream_id = ${upstreamId}`.execute(db)
  return new Map(rows.map((row) => [row.service, row]))
}

export type KnownOffer = Omit<StoredOffer, 'id' | 'seenAt' | 'serviceIds'>

/** The upstream's names of what is sold here by it. */
export async function readSoldOffers(db: Db, upstreamId: bigint): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ service: string }>`
    select distinct p.upstream_service as service
    from service_provider p join upstream u on u.name = p.provider
    where u.id = ${upstreamId} and p.upstream_service is not null`.execute(db)
  return new Set(rows.map((row) => row.service))
}
