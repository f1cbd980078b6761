import { sql } from 'kysely'
import { columnOf } from '../../../db/column-of.ts'
import type { Db, Tx } from '../../../db/database.ts'
import type { EffectKey } from '../../execute-batch.ts'
import type { ServerState, SuspensionReason } from '../../servers/server.ts'
import type { PaymentMethod, PurchaseState } from '../purchase.ts'

/**
 * SQL for paying. Wallets are locked first, then purchases in id order. While a purchase is
 * processing its lines stay as they are, so what was read of them when the money was set aside
 * holds until it is settled.
 */
export interface StoredPurchase {
  readonly id: bigint
  readonly accountId: bigint
  readonly state: PurchaseState
  readonly currency: string
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly paymentMethod: PaymentMethod
  readonly autoPay: boolean
  /** When it is paid by itself; null: not, or no more. */
  readonly payAt: Date | null
  readonly payAttempts: number
  readonly holdId: bigint | null
  readonly leaseWorker: string | null
  /** The key under which it is being paid, or was. */
  readonly payingKey: EffectKey | null
}

interface PurchaseRow extends Omit<StoredPurchase, 'payingKey'> {
  readonly ownerKind: EffectKey['ownerKind'] | null
  readonly ownerId: bigint | null
  readonly key: string | null
}

/** A line, and how what it renews stands. */
export interface PayableLine {
  readonly id: bigint
  readonly purchaseId: bigint
  readonly subscriptionId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly periodFrom: Date
  readonly periodTo: Date
  readonly billingCycle: number
  readonly netMicros: bigint
  readonly grossMicros: bigint
  readonly subscriptionState: 'active' | 'ended'
  readonly expiresAt: Date
  readonly serverId: bigint
  readonly serverState: ServerState
  readonly suspendedFor: SuspensionReason | null
  readonly provider: string
  readonly providerRef: string
}

/** How long a purchase or a charge is one process's own. A dead one's are taken up after it. */
const LEASE_MS = 25_000

const COLUMNS = sql`
  p.id, p.account_id as "accountId", p.state, p.currency, p.net as "netMicros",
  p.gross as "grossMicros", p.payment_method as "paymentMethod", p.auto_pay as "autoPay",
  p.pay_at as "payAt", p.pay_attempts as "payAttempts", p.hold_id as "holdId", p.lease_worker as "leaseWorker",
  p.paying_owner_kind as "ownerKind", p.paying_owner_id as "ownerId", p.paying_key as key`

function toPurchase({ ownerKind, ownerId, key, ...row }: PurchaseRow): StoredPurchase {
  const keyed = ownerKind !== null && ownerId !== null && key !== null
  return { ...row, payingKey: keyed ? { ownerKind, ownerId, key } : null }
}

/** Whose purchases these are. */
export async function accountsOfPurchases(db: Db, ids: readonly bigint[]): Promise<bigint[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ account_id: bigint }>`
    select distinct account_id from purchase where id = any (${ids}::bigint[])`.execute(db)
  return rows.map((row) => row.account_id)
}

/**
 * Locks purchases in id order. Whose money is to move, only those of accounts whose wallets were
 * locked before; null: of all, and no money moves.
 */
export async function lockPurchases(
  tx: Tx,
  o: { ids: readonly bigint[]; accountIds: readonly bigint[] | null },
): Promise<ReadonlyMap<bigint, StoredPurchase>> {
  const { rows } = await sql<PurchaseRow>`
    select ${COLUMNS} from purchase p
    where p.id = any (${o.ids}::bigint[])
      and (${o.accountIds}::bigint[] is null or p.account_id = any (${o.accountIds}::bigint[]))
    order by p.id for no key update`.execute(tx)
  return new Map(rows.map((row) => [row.id, toPurchase(row)]))
}

/** The lines of purchases in their order, by purchase. */
export async function readPayableLines(
  db: Db,
  purchaseIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, PayableLine[]>> {
  const { rows } = await sql<PayableLine>`
    select l.id, l.purchase_id as "purchaseId", l.subscription_id as "subscriptionId", l.kind,
      l.period_from as "periodFrom", l.period_to as "periodTo",
      l.billing_cycle as "billingCycle", l.net as "netMicros", l.gross as "grossMicros",
      u.state as "subscriptionState", u.expires_at as "expiresAt", s.id as "serverId",
      s.state as "serverState", s.suspended_for as "suspendedFor", s.provider,
      s.provider_ref as "providerRef"
    from purchase_line l
    join subscription u on u.id = l.subscription_id
    join server s on s.id = u.server_id
    where l.purchase_id = any (${purchaseIds}::bigint[])
    order by l.purchase_id, l.position, l.id`.execute(db)
  return Map.groupBy(rows, (line) => line.purchaseId)
}

/** A charge of a card that is under way. */
export interface OngoingCharge {
  readonly accountId: bigint
  /** What is to be paid by it. */
  readonly purchaseIds: readonly bigint[]
  /** What it needs of the wallet besides. */
  readonly countsOnMicros: bigint
}

/** The charges of the accounts' cards that are under way. */
export async function findCharging(
  db: Db,
  accountIds: readonly bigint[],
): Promise<OngoingCharge[]> {
  const { rows } = await sql<OngoingCharge>`
    select c.account_id as "accountId", c.purchase_id || c.other_purchase_ids as "purchaseIds",
      greatest(0, (
        select sum(p.gross) from purchase p
        where p.id = any (c.purchase_id || c.other_purchase_ids) and p.state = 'awaiting_payment'
      ) - c.amount)::bigint as "countsOnMicros"
    from card_charge c
    where c.account_id = any (${accountIds}::bigint[]) and c.state = 'pending'`.execute(db)
  return rows
}

/** How purchases stand that somebody waits for. */
export interface Standing {
  readonly id: bigint
  readonly state: PurchaseState
  readonly payingKey: EffectKey | null
  /** Whether the gateway is being asked for what the wallet was short of. */
  readonly charging: boolean
}

export async function readStandings(db: Db, ids: readonly bigint[]): Promise<Standing[]> {
  const { rows } = await sql<PurchaseRow & { charging: boolean }>`
    select ${COLUMNS}, exists (
      select from card_charge c where c.account_id = p.account_id and c.state = 'pending'
        and (c.purchase_id = p.id or p.id = any (c.other_purchase_ids))) as charging
    from purchase p where p.id = any (${ids}::bigint[])`.execute(db)
  return rows.map((row) => ({ ...toPurchase(row), charging: row.charging }))
}

/** awaiting_payment → processing, for `lease`. */
export async function startProcessing(
  tx: Tx,
  o: { started: readonly StoredPurchase[]; lease: string; now: Date },
): Promise<void> {
  const column = columnOf(o.started)
  const { numAffectedRows } = await sql`
    update purchase p set state = 'processing', hold_id = i.hold_id, pay_at = null,
      paying_owner_kind = i.owner_kind, paying_owner_id = i.owner_id, paying_key = i.key,
      ${leased(o)}, updated_at = ${o.now}::timestamptz
    from rows from (
      unnest(${column((one) => one.id)}::bigint[]),
      unnest(${column((one) => one.holdId)}::bigint[]),
      unnest(${column((one) => one.payingKey?.ownerKind ?? null)}::text[]),
      unnest(${column((one) => one.payingKey?.ownerId ?? null)}::bigint[]),
      unnest(${column((one) => one.payingKey?.key ?? null)}::text[])
    ) as i (id, hold_id, owner_kind, owner_id, key)
    where p.id = i.id and p.state = 'awaiting_payment'`.execute(tx)
  expectRows(numAffectedRows, o.started.length)
}

/** processing → paid. Returns those that were still their leases', in id order. */
export async function finishPurchases(
  tx: Tx,
  o: { taken: readonly { id: bigint; lease: string }[]; now: Date },
): Promise<ReadonlySet<bigint>> {
  const { rows } = await sql<{ id: bigint }>`
    with own as materialized (
      select p.id
      from rows from (
        unnest(${o.taken.map(({ id }) => id)}::bigint[]),
        unnest(${o.taken.map(({ lease }) => lease)}::uuid[])
      ) as i (id, lease)
      join purchase p on p.id = i.id and p.state = 'processing' and p.lease_worker = i.lease
      order by p.id for no key update of p
    )
    update purchase p set state = 'paid', paid_at = ${o.now}::timestamptz, look_at = null,
      lease_worker = null, lease_until = null, updated_at = ${o.now}::timestamptz
    from own where p.id = own.id returning p.id`.execute(tx)
  return new Set(rows.map((row) => row.id))
}

/** processing → awaiting_payment, to be paid by itself again at `payAt` where that is not null. */
export async function reopenPurchases(
  tx: Tx,
  o: { reopened: readonly { purchaseId: bigint; payAt: Date | null }[]; now: Date },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update purchase p set state = 'awaiting_payment', hold_id = null, look_at = null,
      lease_worker = null, lease_until = null, paying_owner_kind = null, paying_owner_id = null,
      paying_key = null, pay_attempts = p.pay_attempts + 1, pay_at = i.pay_at,
      updated_at = ${o.now}::timestamptz
    from rows from (
      unnest(${o.reopened.map((one) => one.purchaseId)}::bigint[]),
      unnest(${o.reopened.map((one) => one.payAt)}::timestamptz[])
    ) as i (id, pay_at)
    where p.id = i.id and p.state = 'processing'`.execute(tx)
  expectRows(numAffectedRows, o.reopened.length)
}

/** Sets the next try to pay; null: there is none. They await payment, and are locked. */
export async function postponePurchases(
  tx: Tx,
  o: {
    postponed: readonly { purchaseId: bigint; payAt: Date | null; payAttempts: number }[]
    now: Date
  },
): Promise<void> {
  await sql`
    update purchase p set pay_attempts = i.pay_attempts, pay_at = i.pay_at,
      updated_at = ${o.now}::timestamptz
    from rows from (
      unnest(${o.postponed.map((one) => one.purchaseId)}::bigint[]),
      unnest(${o.postponed.map((one) => one.payAt)}::timestamptz[]),
      unnest(${o.postponed.map((one) => one.payAttempts)}::integer[])
    ) as i (id, pay_at, pay_attempts)
    where p.id = i.id and p.state = 'awaiting_payment'`.execute(tx)
}

/** Leaves purchases to whoever looks next: each when the older it is, the later. */
export async function letGoOfPurchases(
  tx: Tx,
  o: { ids: readonly bigint[]; lease: string; now: Date },
): Promise<void> {
  await sql`
    update purchase set ${letGo({ now: o.now, since: 'updated_at' })}
    where id = any (${o.ids}::bigint[]) and state = 'processing'
      and lease_worker = ${o.lease}::uuid`.execute(tx)
}

/** Takes purchases for `lease` whose provider is to be asked again, the longest due first. */
export async function claimProcessing(
  tx: Tx,
  o: { lease: string; now: Date; limit: number },
): Promise<StoredPurchase[]> {
  const { rows } = await sql<PurchaseRow>`
    with due as materialized (
      select id from purchase
      where ${dueToLook(o.now)} and state = 'processing'
        and (lease_until is null or lease_until <= clock_timestamp())
      order by look_at limit ${o.limit} for no key update skip locked
    )
    update purchase p set ${leased(o)} from due where p.id = due.id
    returning ${COLUMNS}`.execute(tx)
  return rows.map(toPurchase)
}

/** Keys under which one of the accounts' purchases is being paid, or was while keys are kept. */
export async function findKeysInUse(
  db: Db,
  o: { accountIds: readonly bigint[]; keys: readonly EffectKey[]; now: Date },
): Promise<EffectKey[]> {
  const { rows } = await sql<EffectKey>`
    select distinct paying_owner_kind as "ownerKind", paying_owner_id as "ownerId",
      paying_key as key
    from purchase
    where account_id = any (${o.accountIds}::bigint[])
      and (state = 'processing' or paid_at > ${o.now}::timestamptz - interval '30 days')
      and paying_key = any (${o.keys.map(({ key }) => key)}::text[])`.execute(db)
  return rows
}

/** Marks purchases that wait for a card as being paid under a key, or as no longer. */
export async function markPaying(
  tx: Tx,
  o: { ids: readonly bigint[]; payingKey: EffectKey | null },
): Promise<void> {
  await sql`
    update purchase set paying_owner_kind = ${o.payingKey?.ownerKind ?? null},
      paying_owner_id = ${o.payingKey?.ownerId ?? null}::bigint,
      paying_key = ${o.payingKey?.key ?? null}
    where id = any (${o.ids}::bigint[]) and state in ('awaiting_payment', 'cancelled')`.execute(tx)
}

/** SQL: a row that is taken for `lease`, and due to be looked at once that has lapsed. */
export function leased(o: { lease: string; now: Date }) {
  return sql`lease_worker = ${o.lease}::uuid,
    lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond',
    look_at = ${new Date(o.now.getTime() + LEASE_MS)}::timestamptz`
}

/** SQL: whether a row is to be looked at: also where the clock was set back since that was said. */
export function dueToLook(now: Date) {
  return sql`(look_at <= ${now}::timestamptz
    or look_at > ${now}::timestamptz + interval '2 minutes')`
}

/** SQL: a row that nobody has, to be looked at when it is a quarter older, within a minute. */
export function letGo(o: { now: Date; since: 'created_at' | 'updated_at' }) {
  return sql`lease_worker = null, lease_until = null,
    look_at = ${o.now}::timestamptz + least(interval '1 minute', greatest(interval '1 second',
      (${o.now}::timestamptz - ${sql.ref(o.since)}) / 4))`
}

export function expectRows(affected: bigint | undefined, expected: number): void {
  if (affected !== BigInt(expected)) {
    throw new Error(`${affected} of ${expected} rows were written: were they locked?`)
  }
}
