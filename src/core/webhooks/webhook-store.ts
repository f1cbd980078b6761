import { type RawBuilder, sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { ENDPOINTS_MAX, type Endpoint } from './webhook.ts'
import { type EndpointName, type EndpointRow, rowsNamed, toEndpoint } from './webhook-views.ts'

/**
 * Endpoints are locked before their messages, and several in id order: so what is decided on a
 * locked endpoint holds for its messages, too, and nothing deadlocks.
 */
type Context = Pick<OperationContext, 'tx' | 'now'>

/** The endpoint, locked. Refuses `not_found`, also for one that was removed. */
export async function lockEndpoint(tx: Tx, name: EndpointName): Promise<EndpointRow> {
  const row = await rowsNamed(tx, name).forNoKeyUpdate().executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return row
}

/** The endpoint that is the account's own field, locked; undefined where it has none. */
export async function lockMainEndpoint(
  tx: Tx,
  accountId: bigint,
): Promise<EndpointRow | undefined> {
  return await tx
    .selectFrom('webhook_endpoint')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('is_main', '=', true)
    .where('state', '<>', 'removed')
    .forNoKeyUpdate()
    .executeTakeFirst()
}

/** Refuses `not_found` for an unknown account, and `conflict` where it has too many already. */
export async function insertEndpoint(
  { tx, now }: Context,
  o: { accountId: bigint; url: string; secret: string; isMain: boolean },
): Promise<{ id: bigint; endpoint: Endpoint }> {
  const account = await sql`
    select from account where id = ${o.accountId} for no key update`.execute(tx)
  if (account.rows.length === 0) throw new Refusal('not_found')
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from webhook_endpoint
    where account_id = ${o.accountId} and state <> 'removed'`.execute(tx)
  if ((rows[0]?.count ?? 0) >= ENDPOINTS_MAX) {
    throw new Refusal('conflict', { detail: `An account has at most ${ENDPOINTS_MAX} endpoints.` })
  }
  const row = await tx
    .insertInto('webhook_endpoint')
    .values({
      public_id: sql`gen_random_uuid()`,
      account_id: o.accountId,
      url: o.url,
      secret: o.secret,
      is_main: o.isMain,
      created_at: now,
      updated_at: now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return { id: row.id, endpoint: toEndpoint(row) }
}

/** What of a locked endpoint is written; what is left out stays. */
export interface EndpointChanges {
  readonly url?: string
  readonly secret?: string
  readonly secretBefore?: string
  readonly state?: 'active' | 'disabled' | 'removed'
  readonly because?: 'asked' | 'failing'
}

/** Another address or another start is another chance: what failed before no longer counts. */
export async function updateEndpoint(
  { tx, now }: Context,
  before: EndpointRow,
  changes: EndpointChanges,
): Promise<Endpoint> {
  const state = changes.state ?? before.state
  const isFresh = changes.url !== undefined || changes.state !== undefined
  const row = await tx
    .updateTable('webhook_endpoint')
    .set({
      url: changes.url ?? before.url,
      secret: changes.secret ?? before.secret,
      ...(changes.secretBefore === undefined
        ? {}
        : { secret_before: changes.secretBefore, rotated_at: now }),
      state,
      disabled_because: state === 'disabled' ? (changes.because ?? before.disabled_because) : null,
      ...(isFresh && state === 'active' ? { failing_since: null, look_at: now } : {}),
      ...(state === 'active' ? {} : { look_at: null }),
      updated_at: now,
    })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  if (state !== 'active') await discardMessages({ tx, now }, before.id)
  return toEndpoint(row)
}

/** Whatever still waits for a locked endpoint is not sent any more. */
async function discardMessages({ tx, now }: Context, endpointId: bigint): Promise<void> {
  await sql`
    update webhook_message set state = 'discarded', next_at = null, ended_at = ${now}::timestamptz
    where endpoint_id = ${endpointId} and next_at is not null`.execute(tx)
}

/** How many messages wait for an endpoint, counted up to `upTo`. */
export async function countWaiting(
  tx: Tx,
  o: { endpointId: bigint; upTo: number },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from (
      select from webhook_message
      where endpoint_id = ${o.endpointId} and next_at is not null limit ${o.upTo}
    ) waiting`.execute(tx)
  return rows[0]?.count ?? 0
}

/** An event that an endpoint is to be told of, or a test of it. */
export interface MessageDraft {
  readonly endpointId: bigint
  readonly accountId: bigint
  readonly orderId: bigint
  readonly eventId: string
  readonly body: string
}

/**
 * Messages to endpoints that are locked, in the order in which an order's are sent. None is due
 * before an earlier one of its order that waits, which may be for its next attempt.
 */
export async function insertMessages(
  { tx, now }: Context,
  drafts: readonly MessageDraft[],
  isReplay: boolean,
): Promise<void> {
  if (drafts.length === 0) return
  const column = columnOf(drafts)
  await sql`
    insert into webhook_message (endpoint_id, account_id, order_id, event_id, body, is_replay,
      next_at, created_at)
    select i.endpoint_id, i.account_id, i.order_id, i.event_id, i.body, ${isReplay}::boolean,
      greatest(${now}::timestamptz, (
        select max(p.next_at) from webhook_message p
        where p.endpoint_id = i.endpoint_id and p.order_id = i.order_id and p.next_at is not null
      )), ${now}::timestamptz
    from rows from (
      unnest(${column((draft) => draft.endpointId)}::bigint[]),
      unnest(${column((draft) => draft.accountId)}::bigint[]),
      unnest(${column((draft) => draft.orderId)}::bigint[]),
      unnest(${column((draft) => draft.eventId)}::text[]),
      unnest(${column((draft) => draft.body)}::text[])
    ) with ordinality as i (endpoint_id, account_id, order_id, event_id, body, at)
    order by i.at
    on conflict (endpoint_id, event_id) where not is_replay do nothing`.execute(tx)
  await sql`
    update webhook_endpoint set
      look_at = least(look_at, ${now}::timestamptz + case when failing_since is null
        then interval '0' else ${failingWait(now, sql`failing_since`)} end)
    where id = any (${[...new Set(drafts.map((draft) => draft.endpointId))]}::bigint[])`.execute(tx)
}

/** How long a failing endpoint is left alone: half as long as it has failed, within bounds. */
function failingWait(now: Date, since: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(0.8 + 0.4 * random()) * least(interval '10 minutes', greatest(interval '2 seconds',
    (${now}::timestamptz - ${since}) / 2))`
}

/** Which of these endpoints are on; locked. */
export async function lockActive(tx: Tx, ids: readonly bigint[]): Promise<ReadonlySet<bigint>> {
  if (ids.length === 0) return new Set()
  const { rows } = await sql<{ id: bigint }>`
    select id from webhook_endpoint where id = any (${ids}::bigint[]) and state = 'active'
    order by id for no key update`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/** What is written of a message that was sent. */
export interface DeliveryWrite {
  readonly messageId: bigint
  readonly endpointId: bigint
  readonly orderId: bigint
  readonly state: 'delivered' | 'failed' | 'pending'
  readonly status: number | null
  readonly error: string | null
  /** When it is sent again; then the later ones of its order wait for it. */
  readonly nextAt: Date | null
}

/** Writes what came of messages whose endpoints are locked. */
export async function writeDeliveries(
  { tx, now }: Context,
  writes: readonly DeliveryWrite[],
): Promise<void> {
  if (writes.length === 0) return
  const column = columnOf(writes)
  await sql`
    update webhook_message m set
      state = i.state, attempts = m.attempts + 1, last_status = i.status, last_error = i.error,
      next_at = i.next_at,
      ended_at = case when i.state <> 'pending' then ${now}::timestamptz end
    from rows from (
      unnest(${column((write) => write.messageId)}::bigint[]),
      unnest(${column((write) => write.state)}::text[]),
      unnest(${column((write) => write.status)}::integer[]),
      unnest(${column((write) => write.error)}::text[]),
      unnest(${column((write) => write.nextAt)}::timestamptz[])
    ) as i (id, state, status, error, next_at)
    where m.id = i.id and m.state = 'pending'`.execute(tx)
  const waiting = columnOf(writes.filter((write) => write.nextAt !== null))
  await sql`
    update webhook_message m set next_at = i.next_at
    from rows from (
      unnest(${waiting((write) => write.endpointId)}::bigint[]),
      unnest(${waiting((write) => write.orderId)}::bigint[]),
      unnest(${waiting((write) => write.nextAt)}::timestamptz[])
    ) as i (endpoint_id, order_id, next_at)
    where m.endpoint_id = i.endpoint_id and m.order_id = i.order_id and m.next_at < i.next_at`.execute(
    tx,
  )
}

/** How a locked endpoint did: neither where nothing was sent. */
export interface EndpointStanding {
  readonly endpointId: bigint
  readonly lease: string
  readonly succeeded: boolean
  readonly failed: boolean
}

/**
 * Gives locked endpoints back that are still held under their lease: each is due when its next
 * message is. Answers the public ids of those that have failed since `failingBefore` or longer.
 */
export async function releaseEndpoints(
  { tx, now }: Context,
  o: { standing: readonly EndpointStanding[]; failingBefore: Date },
): Promise<string[]> {
  const column = columnOf(o.standing)
  const { rows } = await sql<{ publicId: string; dead: boolean }>`
    update webhook_endpoint w set
      failing_since = i.failing_since,
      look_at = case when n.next_at is not null then greatest(n.next_at,
        case when i.failing_since is not null
          then ${now}::timestamptz + ${failingWait(now, sql`i.failing_since`)} end) end,
      lease_worker = null, lease_until = null
    from (
      select e.id, case when s.succeeded then null when s.failed
        then coalesce(e.failing_since, ${now}::timestamptz) else e.failing_since end as failing_since
      from rows from (
        unnest(${column((one) => one.endpointId)}::bigint[]),
        unnest(${column((one) => one.lease)}::uuid[]),
        unnest(${column((one) => one.succeeded)}::boolean[]),
        unnest(${column((one) => one.failed)}::boolean[])
      ) as s (id, lease, succeeded, failed)
      join webhook_endpoint e on e.id = s.id
      where e.lease_worker = s.lease and e.state = 'active'
    ) i
    left join lateral (
      select m.next_at from webhook_message m
      where m.endpoint_id = i.id and m.next_at is not null
      order by m.next_at limit 1
    ) n on true
    where w.id = i.id
    returning w.public_id as "publicId",
      w.failing_since <= ${o.failingBefore}::timestamptz as dead`.execute(tx)
  return rows.flatMap((row) => (row.dead ? [row.publicId] : []))
}
