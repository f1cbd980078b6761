import { type RawBuilder, sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import type { ServiceType } from '../catalogue/service-type.ts'
import type { TransferDraft } from '../ledger/ledger.ts'
import { postTransfers } from '../ledger/post-transfers.ts'
import { systemAccount } from '../ledger/system-account.ts'
import { lockWallets } from '../lock-wallets.ts'
import type { EventDraft, OperationContext } from '../operation.ts'
import { isTerminal, type OrderChange, type OrderStanding, type OrderState } from './order.ts'

/**
 * How orders change. Wallets are locked first and in id order, as placing orders does, then the
 * orders in id order: so nothing deadlocks, and what was decided on a locked order holds.
 */
export interface StoredOrder extends OrderStanding {
  readonly id: bigint
  readonly accountId: bigint
  readonly walletId: bigint
  readonly serviceId: bigint
  readonly canCancel: boolean
  readonly type: ServiceType
  /** What its provider calls the service; null where it has no such names. */
  readonly upstreamService: string | null
  readonly currency: string
  readonly link: string
  readonly params: unknown
  readonly provider: string
  readonly providerRef: string | null
  readonly submitAskedAt: Date | null
  readonly unconfirmedAt: Date | null
  readonly waitingSince: Date | null
  /** The providers that have refused it for good. */
  readonly refusedBy: readonly string[]
  readonly cancelRequestedAt: Date | null
  /** The order that this is a part of; null: it is one of its own. */
  readonly parentId: bigint | null
  /** Whether it is delivered in parts. */
  readonly unfolds: boolean
  readonly pausedAt: Date | null
  readonly createdAt: Date
  /** By whom it is being taken care of at this moment, and whether that has lapsed. */
  readonly leaseWorker: string | null
  readonly leaseLapsed: boolean
}

/** What is written of a locked order. Fields left out stay as they are. */
export interface OrderWrite {
  readonly order: StoredOrder
  readonly change?: OrderChange | undefined
  readonly providerRef?: string | undefined
  readonly standing?: DispatchStanding | undefined
  readonly refusedBy?: string | undefined
  readonly cancelRequestedAt?: Date | null
  readonly recheckAt?: Date | undefined
  readonly lookAt?: Date | undefined
  /** The lease that ends with this write, where it is still held. */
  readonly release?: string | undefined
}

/** What is known of an order at its provider while that has not taken it. */
export interface DispatchStanding {
  readonly provider: string
  /** Null: that provider has certainly not got it. */
  readonly submitAskedAt: Date | null
  readonly unconfirmedAt: Date | null
  readonly waitingSince: Date | null
}

/**
 * Locks the wallets that orders may give money back to, then the orders, in id order. Orders that
 * do not exist, or are not `accountId`'s where one is given, are missing from the answer.
 */
export async function lockOrdersWithWallets(
  tx: Tx,
  o: { ids: readonly bigint[]; accountId?: bigint | undefined },
): Promise<ReadonlyMap<bigint, StoredOrder>> {
  await lockWalletsOf(tx, o)
  return lockOrders(tx, o)
}

/** To be called before any order is locked. */
export async function lockWalletsOf(
  tx: Tx,
  o: { ids: readonly bigint[]; accountId?: bigint | undefined },
): Promise<void> {
  if (o.ids.length === 0) return
  const { rows } = await sql<{ account_id: bigint }>`
    select distinct o.account_id
    from service_order o
    where o.id = any (${o.ids}::bigint[]) and ${ofAccount(o.accountId)}`.execute(tx)
  await lockWallets(
    tx,
    rows.map((row) => row.account_id),
  )
}

/** Locks orders in id order. Nothing may be refunded to a wallet that is not locked before. */
export async function lockOrders(
  tx: Tx,
  o: { ids: readonly bigint[]; accountId?: bigint | undefined },
): Promise<ReadonlyMap<bigint, StoredOrder>> {
  const { rows } = await sql<StoredOrder>`
    select o.id, o.account_id as "accountId", a.id as "walletId", o.service_id as "serviceId",
      s.can_cancel as "canCancel", s.type, p.upstream_service as "upstreamService",
      o.currency, o.link, o.params, o.provider,
      o.provider_ref as "providerRef", o.submit_asked_at as "submitAskedAt",
      o.unconfirmed_at as "unconfirmedAt", o.waiting_since as "waitingSince",
      coalesce(o.refused_by, '{}') as "refusedBy",
      o.cancel_requested_at as "cancelRequestedAt", o.parent_id as "parentId", o.unfolds,
      o.paused_at as "pausedAt", o.created_at as "createdAt", o.state,
      o.quantity, o.charge, o.refunded, o.remains, o.start_count as "startCount",
      o.lease_worker as "leaseWorker",
      o.lease_until is null or o.lease_until <= clock_timestamp() as "leaseLapsed"
    from service_order o
    cross join lateral (
      select id from ledger_account where account_id = o.account_id and kind = 'wallet' offset 0
    ) a
    join service s on s.id = o.service_id
    left join service_provider p on p.service_id = o.service_id and p.provider = o.provider
    where o.id = any (${o.ids}::bigint[]) and ${ofAccount(o.accountId)}
    order by o.id
    for no key update of o`.execute(tx)
  return new Map(rows.map((row) => [row.id, row]))
}

/** What a provider calls an order. */
export interface NamedOrder {
  readonly id: bigint
  readonly provider: string
  readonly providerRef: string
}

/** One text for a provider and a number of its. */
export function refKey({ provider, providerRef }: Omit<NamedOrder, 'id'>): string {
  return JSON.stringify([provider, providerRef])
}

/** Which of these names are another order's already, as `refKey` writes them. */
export async function findTakenRefs(tx: Tx, named: readonly NamedOrder[]): Promise<string[]> {
  const column = columnOf(named)
  const { rows } = await sql<NamedOrder>`
    select o.id, o.provider, o.provider_ref as "providerRef"
    from rows from (
      unnest(${column((name) => name.id)}::bigint[]),
      unnest(${column((name) => name.provider)}::text[]),
      unnest(${column((name) => name.providerRef)}::text[])
    ) as i (id, provider, provider_ref)
    cross join lateral (
      select s.id, s.provider, s.provider_ref from service_order s
      where s.provider = i.provider and s.provider_ref = i.provider_ref and s.id <> i.id
      limit 1
    ) o`.execute(tx)
  return rows.map(refKey)
}

function ofAccount(accountId: bigint | undefined): RawBuilder<unknown> {
  return accountId === undefined ? sql`true` : sql`o.account_id = ${accountId}`
}

/**
 * Writes what becomes of locked orders, each named once: the rows, for each change of state one
 * event, and what it gives back to the wallet, with its cause.
 */
export async function writeOrders(
  context: OperationContext,
  writes: readonly OrderWrite[],
): Promise<void> {
  if (writes.length === 0) return
  await updateRows(context, writes)
  await refundChanges(context, writes)
  for (const { order, change } of writes) {
    if (change === undefined || change.state === order.state) continue
    // Webhooks tell customers of this long after: as it stood then.
    const data = {
      from: order.state,
      remains: String(change.remains),
      start_count: change.startCount === null ? null : String(change.startCount),
      net_charge_micros: String(order.charge - order.refunded - change.refund),
    }
    context.record(orderEvent(order, change.state, data))
  }
}

/** What happens to a part is no event of an order: customers see the whole alone. */
export function orderEvent(
  { id, accountId, parentId }: Pick<StoredOrder, 'id' | 'accountId' | 'parentId'>,
  word: string,
  data: { readonly [name: string]: string | null },
): EventDraft {
  const kind = `${parentId === null ? 'order' : 'order_part'}.${word}`
  return { kind, subjectId: id, accountId, data }
}

async function updateRows(
  { tx, now }: OperationContext,
  writes: readonly OrderWrite[],
): Promise<void> {
  const column = columnOf(writes)
  const after = ({ order, change }: OrderWrite) => change ?? order
  const standing = ({ order, standing }: OrderWrite) => standing ?? order
  const settled = (w: OrderWrite) => isTerminal(after(w).state) || w.providerRef !== undefined
  const { numAffectedRows } = await sql`
    update service_order o set
      state = i.state, remains = i.remains, start_count = i.start_count,
      refunded = o.refunded + i.refund,
      provider = i.provider, provider_ref = coalesce(i.provider_ref, o.provider_ref),
      submit_asked_at = i.submit_asked_at,
      waiting_since = case when i.settled then null else i.waiting_since end,
      unconfirmed_at = case when i.settled then null else i.unconfirmed_at end,
      refused_by = case when i.refused_by is null then o.refused_by
        else array_append(o.refused_by, i.refused_by) end,
      recheck_at = coalesce(i.recheck_at, o.recheck_at),
      cancel_requested_at = i.cancel_requested_at,
      look_at = case when i.ended then null else coalesce(i.look_at, o.look_at) end,
      lease_worker = case when i.ended or o.lease_worker = i.release then null
        else o.lease_worker end,
      lease_until = case when i.ended or o.lease_worker = i.release then null
        else o.lease_until end,
      exclusive_link = case when i.ended then null else o.exclusive_link end,
      ended_at = case when i.ended then coalesce(o.ended_at, ${now}::timestamptz) end,
      updated_at = case when i.changed then ${now}::timestamptz else o.updated_at end
    from rows from (
      unnest(${column((w) => w.order.id)}::bigint[]),
      unnest(${column((w) => w.order.state)}::text[]),
      unnest(${column((w) => after(w).state)}::text[]),
      unnest(${column((w) => after(w).remains)}::bigint[]),
      unnest(${column((w) => after(w).startCount)}::bigint[]),
      unnest(${column((w) => w.change?.refund ?? 0n)}::bigint[]),
      unnest(${column((w) => standing(w).provider)}::text[]),
      unnest(${column((w) => w.providerRef ?? null)}::text[]),
      unnest(${column((w) => standing(w).submitAskedAt)}::timestamptz[]),
      unnest(${column((w) => standing(w).waitingSince)}::timestamptz[]),
      unnest(${column((w) => standing(w).unconfirmedAt)}::timestamptz[]),
      unnest(${column(settled)}::boolean[]),
      unnest(${column((w) => w.refusedBy ?? null)}::text[]),
      unnest(${column((w) => w.recheckAt ?? null)}::timestamptz[]),
      unnest(${column(cancelRequestedAt)}::timestamptz[]),
      unnest(${column((w) => isTerminal(after(w).state))}::boolean[]),
      unnest(${column((w) => w.lookAt ?? null)}::timestamptz[]),
      unnest(${column((w) => w.release ?? null)}::uuid[]),
      unnest(${column((w) => w.change !== undefined)}::boolean[])
    ) as i (id, expected, state, remains, start_count, refund, provider, provider_ref,
      submit_asked_at, waiting_since, unconfirmed_at, settled, refused_by, recheck_at,
      cancel_requested_at, ended, look_at, release, changed)
    where o.id = i.id and o.state = i.expected`.execute(tx)
  if (numAffectedRows !== BigInt(writes.length)) {
    throw new Error(`${numAffectedRows} of ${writes.length} orders were written: were they locked?`)
  }
}

function cancelRequestedAt(write: OrderWrite): Date | null {
  return write.cancelRequestedAt === undefined
    ? write.order.cancelRequestedAt
    : write.cancelRequestedAt
}

async function refundChanges(
  context: OperationContext,
  writes: readonly OrderWrite[],
): Promise<void> {
  const refunds: OrderRefund[] = []
  for (const { order, change } of writes) {
    if (change === undefined || change.refund === 0n) continue
    refunds.push({
      order,
      cause: refundCause(change.state),
      amountMicros: change.refund,
      reason: null,
    })
  }
  await insertRefunds(context, refunds)
}

function refundCause(state: OrderState): RefundCause {
  if (state === 'canceled' || state === 'partial' || state === 'failed') return state
  throw new Error(`entering ${state} gives nothing back`)
}

type RefundCause = 'canceled' | 'partial' | 'failed' | 'operator'

interface OrderRefund {
  readonly order: StoredOrder
  readonly cause: RefundCause
  readonly amountMicros: bigint
  readonly reason: string | null
}

/**
 * Gives money back for orders whose `refunded` says so already, each named once: a row and a
 * transfer from revenue to the wallet for each. The wallets are locked before. Returns the ids of
 * the refunds by order.
 */
async function insertRefunds(
  { tx, now }: OperationContext,
  refunds: readonly OrderRefund[],
): Promise<ReadonlyMap<bigint, bigint>> {
  if (refunds.length === 0) return new Map()
  const rows = await tx
    .insertInto('order_refund')
    .values(
      refunds.map(({ order, cause, amountMicros, reason }) => ({
        order_id: order.id,
        account_id: order.accountId,
        cause,
        amount: amountMicros,
        reason,
        created_at: now,
      })),
    )
    .returning(['id', 'order_id'])
    .execute()
  const idByOrder = new Map(rows.map((row) => [row.order_id, row.id]))
  const revenue = new Map<string, bigint>()
  const drafts: TransferDraft[] = []
  for (const { order, amountMicros } of refunds) {
    const revenueId =
      revenue.get(order.currency) ?? (await systemAccount(tx, 'revenue', order.currency))
    revenue.set(order.currency, revenueId)
    const causeId = idByOrder.get(order.id)
    if (causeId === undefined) throw new Error(`the refund of order ${order.id} was not written`)
    drafts.push({
      debitId: revenueId,
      creditId: order.walletId,
      amountMicros,
      currency: order.currency,
      causeKind: 'order_refund',
      causeId,
      accountId: order.accountId,
      createdAt: now,
    })
  }
  await postTransfers(tx, drafts)
  return idByOrder
}

/** Gives money of a locked order back beside any change of its state. Returns the refund's id. */
export async function refundLocked(
  context: OperationContext,
  o: { order: StoredOrder; amountMicros: bigint; reason: string },
): Promise<bigint> {
  await context.tx
    .updateTable('service_order')
    .set({ refunded: o.order.refunded + o.amountMicros, updated_at: context.now })
    .where('id', '=', o.order.id)
    .execute()
  const ids = await insertRefunds(context, [{ ...o, cause: 'operator' }])
  const id = ids.get(o.order.id)
  if (id === undefined) throw new Error(`the refund of order ${o.order.id} was not written`)
  return id
}

/** How long nobody else touches an order that somebody takes care of, unless renewed. */
export const LEASE_MS = 25_000

/** Takes locked orders for `lease`, because a customer wants them canceled. */
export async function leaseForCancel(
  { tx, now }: OperationContext,
  o: { ids: readonly bigint[]; lease: string },
): Promise<void> {
  await sql`
    update service_order o set
      lease_worker = ${o.lease}::uuid,
      lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
      cancel_requested_at = ${now}::timestamptz
    where o.id = any (${o.ids}::bigint[])`.execute(tx)
}
