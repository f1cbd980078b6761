import { type Selectable, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { Upstream as UpstreamRow } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import type { CategoryMargin, FailingPolicy, Upstream, UpstreamState } from './upstream.ts'

/** Refuses `not_found`. */
export async function readUpstream(db: Db, id: bigint): Promise<Upstream> {
  const row = await upstreams(db).where('u.id', '=', id).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toUpstream(row)
}

/** By id, above `after`. */
export async function listUpstreams(
  db: Db,
  o: { after?: bigint | undefined; limit: number },
): Promise<Upstream[]> {
  let query = upstreams(db).orderBy('u.id').limit(o.limit)
  if (o.after !== undefined) query = query.where('u.id', '>', o.after)
  return (await query.execute()).map(toUpstream)
}

/** What is left at each upstream that has said so, as it last did. */
export async function readBalances(
  db: Db,
): Promise<{ upstream: string; currency: string; balanceMicros: bigint }[]> {
  const { rows } = await sql<{ upstream: string; currency: string; balanceMicros: bigint }>`
    select name as upstream, currency, balance as "balanceMicros" from upstream
    where balance is not null and currency is not null order by id`.execute(db)
  return rows
}

function upstreams(db: Db) {
  return db
    .selectFrom('upstream as u')
    .selectAll('u')
    .select((eb) =>
      eb
        .selectFrom('upstream_margin as m')
        .whereRef('m.upstream_id', '=', 'u.id')
        .select(
          sql<CategoryMargin[] | null>`json_agg(json_build_object('categoryId',
            m.category_id::text, 'marginPpm', m.margin_ppm,
            'marginFixedMicros', m.margin_fixed::text) order by m.category_id)`.as('list'),
        )
        .as('margins'),
    )
}

function toUpstream(row: Selectable<UpstreamRow> & { margins: CategoryMargin[] | null }): Upstream {
  return {
    id: String(row.id),
    name: row.name,
    url: row.url,
    state: row.state as UpstreamState,
    currency: row.currency,
    isIdempotent: row.is_idempotent,
    inFlightMax: row.in_flight_max,
    balanceAlertMicros: row.balance_alert === null ? null : String(row.balance_alert),
    whenFailing: row.when_failing as FailingPolicy,
    refundAfterMinutes: row.refund_after_minutes,
    marginPpm: row.margin_ppm,
    marginFixedMicros: String(row.margin_fixed),
    roundToMicros: String(row.round_to),
    margins: row.margins ?? [],
    balanceMicros: row.balance === null ? null : String(row.balance),
    balanceAt: row.balance_at?.toISOString() ?? null,
    servicesAt: row.services_at?.toISOString() ?? null,
    failingSince: row.failing_since?.toISOString() ?? null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

/** An upstream as drivers are made of it; the key is sealed. */
export interface StoredSettings {
  readonly name: string
  readonly url: string
  readonly sealedKey: string
  readonly isIdempotent: boolean
  readonly inFlightMax: number
  readonly isPaused: boolean
  readonly whenFailing: FailingPolicy
  readonly refundAfterMinutes: number
}

/** All there are, with the installation's name. */
export async function readSettings(
  db: Db,
): Promise<{ installation: string; settings: StoredSettings[] }> {
  const { id } = await db.selectFrom('installation').select('id').executeTakeFirstOrThrow()
  const { rows } = await sql<StoredSettings>`
    select name, url, api_key as "sealedKey", is_idempotent as "isIdempotent",
      in_flight_max as "inFlightMax", state = 'paused' as "isPaused",
      when_failing as "whenFailing", refund_after_minutes as "refundAfterMinutes"
    from upstream order by id`.execute(db)
  return { installation: id, settings: rows }
}
