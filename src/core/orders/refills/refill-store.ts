import { type RawBuilder, sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Tx } from '../../../db/database.ts'
import { type AskedWork, isOpen, lookAfterMs, type RefillState, type RefillWork } from './refill.ts'
import type { LastRefill, Refillable } from './refill-rules.ts'

/** An order as a refill of it finds it, locked. */
export interface RefillableOrder extends Refillable {
  readonly id: bigint
  readonly accountId: bigint
  readonly createdAt: Date
}

/**
 * Locks orders in id order. What does not exist, is a part of another, or is not `accountId`'s
 * where one is given, is missing from the answer. Refills are locked after their orders.
 */
export async function lockRefillable(
  tx: Tx,
  o: { ids: readonly bigint[]; accountId: bigint | null },
): Promise<ReadonlyMap<bigint, RefillableOrder>> {
  const theirs: RawBuilder<unknown> =
    o.accountId === null ? sql`true` : sql`o.account_id = ${o.accountId}`
  const { rows } = await sql<RefillableOrder>`
    select o.id, o.account_id as "accountId", o.created_at as "createdAt", o.state,
      coalesce(o.ended_at, o.updated_at) as "endedAt", s.can_refill as "canRefill",
      s.refill_days as "refillDays", s.refill_cooldown_hours as "refillCooldownHours"
    from service_order o
    join service s on s.id = o.service_id
    where o.id = any (${o.ids}::bigint[]) and o.parent_id is null and ${theirs}
    order by o.id
    for no key update of o`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** What was delivered of an order, and by whom: the order itself, or its parts. */
export interface Delivered {
  readonly wholeId: bigint
  readonly orderId: bigint
  readonly provider: string
  readonly orderRef: string
}

/** The deliveries of these orders that a provider can be asked to refill. */
export async function readDelivered(tx: Tx, ids: readonly bigint[]): Promise<Delivered[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Delivered>`
    select d."wholeId", d.id as "orderId", d.provider, d.provider_ref as "orderRef"
    from (
      select id as "wholeId", id, part, state, provider, provider_ref from service_order
      where id = any (${ids}::bigint[]) and not unfolds
      union all
      select parent_id, id, part, state, provider, provider_ref from service_order
      where parent_id = any (${ids}::bigint[])
    ) d
    where d.state in ('completed', 'partial') and d.provider_ref is not null
    order by d."wholeId", d.part`.execute(tx)
  return rows
}

/** A refill as it is stored. */
export interface StoredRefill extends LastRefill {
  readonly id: bigint
  readonly orderId: bigint
  readonly accountId: bigint
}

/** The last refill of each of these locked orders that has had one, locked, by its order. */
export async function lockLastRefills(
  tx: Tx,
  orderIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, StoredRefill>> {
  const { rows } = await sql<{ id: bigint }>`
    select r.id from unnest(${orderIds}::bigint[]) as asked (id)
    cross join lateral (
      select id from refill where order_id = asked.id order by id desc limit 1
    ) r`.execute(tx)
  const refills = await lockRefills(
    tx,
    rows.map((row) => row.id),
  )
  return new Map([...refills.values()].map((refill) => [refill.orderId, refill]))
}

/** Locks refills in id order. */
export async function lockRefills(
  tx: Tx,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, StoredRefill>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<StoredRefill>`
    select id, order_id as "orderId", account_id as "accountId", state,
      created_at as "createdAt", answered_at is not null as answered
    from refill where id = any (${ids}::bigint[])
    order by id for no key update`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** A work, and by whom it is being asked for at this moment. */
export interface StoredWork extends RefillWork {
  readonly leaseWorker: string | null
  readonly leaseLapsed: boolean
}

/** What is done for locked refills. */
export async function readWorks(tx: Tx, refillIds: readonly bigint[]): Promise<StoredWork[]> {
  if (refillIds.length === 0) return []
  const { rows } = await sql<StoredWork>`
    select refill_id as "refillId", order_id as "orderId", provider, order_ref as "orderRef", ref,
      state, lease_worker as "leaseWorker",
      lease_until is null or lease_until <= clock_timestamp() as "leaseLapsed"
    from refill_work where refill_id = any (${refillIds}::bigint[])
    order by refill_id, order_id`.execute(tx)
  return rows
}

/** How long nobody else asks for what somebody asks for. */
const LEASE_MS = 25_000

/** A refill that is about to be asked for. */
export interface RefillDraft {
  readonly orderId: bigint
  readonly accountId: bigint
  readonly deliveries: readonly Delivered[]
}

/**
 * Makes a refill of each of these locked orders and its works. Those among `askedFirst` are held
 * under `lease`; the others are due for whichever worker comes first. Answers ids by order.
 */
export async function insertRefills(
  tx: Tx,
  o: {
    drafts: readonly RefillDraft[]
    askedFirst: ReadonlySet<Delivered>
    lease: string
    now: Date
  },
): Promise<ReadonlyMap<bigint, bigint>> {
  if (o.drafts.length === 0) return new Map()
  const { now, askedFirst, lease } = o
  const rows = await tx
    .insertInto('refill')
    .values(
      o.drafts.map(({ orderId, accountId }) => ({
        order_id: orderId,
        account_id: accountId,
        created_at: now,
        updated_at: now,
      })),
    )
    .returning(['id', 'order_id'])
    .execute()
  const idByOrder = new Map(rows.map((row) => [row.order_id, row.id]))
  const works = o.drafts.flatMap((draft) => draft.deliveries)
  const column = columnOf(works)
  const first = (work: Delivered) => askedFirst.has(work)
  await sql`
    insert into refill_work (refill_id, order_id, provider, order_ref, asked_at, look_at,
      lease_worker, lease_until)
    select i.refill_id, i.order_id, i.provider, i.order_ref,
      case when i.first then ${now}::timestamptz end, ${now}::timestamptz,
      case when i.first then ${lease}::uuid end,
      case when i.first then clock_timestamp() + ${LEASE_MS} * interval '1 millisecond' end
    from rows from (
      unnest(${column((work) => idByOrder.get(work.wholeId) ?? null)}::bigint[]),
      unnest(${column((work) => work.orderId)}::bigint[]),
      unnest(${column((work) => work.provider)}::text[]),
      unnest(${column((work) => work.orderRef)}::text[]),
      unnest(${column(first)}::boolean[])
    ) as i (refill_id, order_id, provider, order_ref, first)`.execute(tx)
  return idByOrder
}

/** Takes the works of locked refills that no provider has taken yet for `lease`. */
export async function leaseWorks(
  tx: Tx,
  o: { refillIds: readonly bigint[]; lease: string; now: Date; limit: number },
): Promise<AskedWork[]> {
  if (o.refillIds.length === 0) return []
  return await takeWorks(
    tx,
    o,
    sql`
    select refill_id, order_id, asked_at from refill_work
    where refill_id = any (${o.refillIds}::bigint[]) and state = 'pending' and ref is null
      and (lease_until is null or lease_until <= clock_timestamp())
    order by refill_id, order_id
    limit ${o.limit}
    for no key update`,
  )
}

/** Takes up to `limit` works that are due at `now` for `lease`, the longest due first. */
export async function takeDueWorks(
  tx: Tx,
  o: { now: Date; lease: string; limit: number },
): Promise<AskedWork[]> {
  return await takeWorks(
    tx,
    o,
    sql`
    select refill_id, order_id, asked_at from refill_work
    where look_at <= ${o.now}::timestamptz
      and (lease_until is null or lease_until <= clock_timestamp())
    order by look_at
    limit ${o.limit}
    for no key update skip locked`,
  )
}

/** Takes those that `chosen` locks, and tells of each whether it was asked for before. */
async function takeWorks(
  tx: Tx,
  o: { now: Date; lease: string },
  chosen: RawBuilder<unknown>,
): Promise<AskedWork[]> {
  const { rows } = await sql<AskedWork>`
    with chosen as materialized (${chosen})
    update refill_work w set lease_worker = ${o.lease}::uuid,
      lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
      asked_at = coalesce(w.asked_at, ${o.now}::timestamptz)
    from chosen
    where w.refill_id = chosen.refill_id and w.order_id = chosen.order_id
    returning w.refill_id as "refillId", w.order_id as "orderId", w.provider,
      w.order_ref as "orderRef", w.ref, w.state, chosen.asked_at is not null as "wasAsked"`.execute(
    tx,
  )
  return rows
}

/** What is written of a work of a locked refill. */
export interface WorkWrite {
  readonly work: RefillWork
  readonly state: RefillState
  readonly ref: string | null
  readonly ageMs: number
  /** Whether its provider has never heard of it after all. */
  readonly isUnasked: boolean
}

/** Writes works and lets go of them. */
export async function updateWorks(tx: Tx, writes: readonly WorkWrite[], now: Date): Promise<void> {
  if (writes.length === 0) return
  const column = columnOf(writes)
  const lookAt = ({ state, ageMs }: WorkWrite) =>
    isOpen(state) ? new Date(now.getTime() + lookAfterMs(ageMs)) : null
  await sql`
    update refill_work w set state = i.state, ref = coalesce(w.ref, i.ref), look_at = i.look_at,
      asked_at = case when not i.unasked then w.asked_at end,
      lease_worker = null, lease_until = null
    from rows from (
      unnest(${column((write) => write.work.refillId)}::bigint[]),
      unnest(${column((write) => write.work.orderId)}::bigint[]),
      unnest(${column((write) => write.state)}::text[]),
      unnest(${column((write) => write.ref)}::text[]),
      unnest(${column(lookAt)}::timestamptz[]),
      unnest(${column((write) => write.isUnasked)}::boolean[])
    ) as i (refill_id, order_id, state, ref, look_at, unasked)
    where w.refill_id = i.refill_id and w.order_id = i.order_id`.execute(tx)
}

/** Writes where a locked refill stands, and from when whoever asked knows of it. */
export async function updateRefill(
  tx: Tx,
  o: { id: bigint; state: RefillState; answeredNow: boolean; now: Date },
): Promise<void> {
  await tx
    .updateTable('refill')
    .set({
      state: o.state,
      updated_at: o.now,
      ended_at: isOpen(o.state) ? null : sql`coalesce(ended_at, ${o.now}::timestamptz)`,
      ...(o.answeredNow ? { answered_at: o.now } : {}),
    })
    .where('id', '=', o.id)
    .execute()
}

/** Ends all that is still done for a locked refill as the operator says. */
export async function endWorks(tx: Tx, refillId: bigint, state: RefillState): Promise<void> {
  await tx
    .updateTable('refill_work')
    .set({ state, look_at: null, lease_worker: null, lease_until: null })
    .where('refill_id', '=', refillId)
    .where('state', 'in', ['pending', 'in_progress'])
    .execute()
}

/** Unmakes locked refills that no provider wanted and nobody was told of. */
export async function deleteRefills(tx: Tx, ids: readonly bigint[]): Promise<void> {
  if (ids.length === 0) return
  await tx.deleteFrom('refill_work').where('refill_id', 'in', ids).execute()
  await tx.deleteFrom('refill').where('id', 'in', ids).execute()
}
