import { sql } from 'kysely'
import type { Tx } from '../../db/database.ts'
import { uuidV7 } from '../../lib/ids.ts'

/** A new subscription with its first period, which the operator grants. */
export interface SubscriptionDraft {
  readonly accountId: bigint
  readonly kind: 'server' | 'server-addon'
  readonly serverId: bigint
  readonly planId: bigint | null
  readonly addonId: bigint | null
  readonly quantity: number
  readonly billingCycle: number
  readonly timeZone: string
  readonly anchorDay: number
  readonly from: Date
  readonly to: Date
  readonly autoPay: boolean
  readonly nextInvoiceAt: Date | null
  readonly suspendAt: Date | null
}

/** Opens subscriptions and grants their first periods. Returns the ids in order. */
export async function insertSubscriptions(
  tx: Tx,
  o: { now: Date; drafts: readonly SubscriptionDraft[] },
): Promise<bigint[]> {
  const ids: bigint[] = []
  for (const draft of o.drafts) {
    const { id } = await tx
      .insertInto('subscription')
      .values({
        public_id: uuidV7(o.now.getTime()),
        account_id: draft.accountId,
        kind: draft.kind,
        server_id: draft.serverId,
        plan_id: draft.planId,
        addon_id: draft.addonId,
        quantity: draft.quantity,
        billing_cycle: draft.billingCycle,
        time_zone: draft.timeZone,
        anchor_day: draft.anchorDay,
        expires_at: draft.to,
        auto_pay: draft.autoPay,
        next_invoice_at: draft.nextInvoiceAt,
        suspend_at: draft.suspendAt,
        created_at: o.now,
        updated_at: o.now,
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    await tx
      .insertInto('subscription_period')
      .values({
        subscription_id: id,
        period_from: draft.from,
        period_to: draft.to,
        billing_cycle: draft.billingCycle,
        account_id: draft.accountId,
        created_at: o.now,
      })
      .execute()
    ids.push(id)
  }
  return ids
}

/** Locks subscriptions in id order until the transaction ends. */
export async function lockSubscriptions(tx: Tx, ids: readonly bigint[]): Promise<void> {
  await sql`select from subscription where id = any (${ids}::bigint[])
    order by id for no key update`.execute(tx)
}

/** Locks all of an account's, as `lockSubscriptions`. */
export async function lockSubscriptionsOf(tx: Tx, accountId: bigint): Promise<void> {
  await sql`select from subscription where account_id = ${accountId}
    order by id for no key update`.execute(tx)
}

/** Locks subscriptions (`only` these, or any) whose renewal is to be made out, longest due first. */
export async function lockDueForInvoice(
  tx: Tx,
  o: { now: Date; limit: number; only: readonly bigint[] | null },
): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint }>`
    select id from subscription
    where next_invoice_at <= ${o.now}::timestamptz
      ${o.only === null ? sql`` : sql`and id = any (${o.only}::bigint[])`}
    order by next_invoice_at limit ${o.limit} for no key update skip locked`.execute(tx)
  return rows.map((row) => row.id)
}

/** When the scheduler makes out the renewals of these; null: they have been made out. */
export async function setNextInvoice(
  tx: Tx,
  o: { now: Date; ids: readonly bigint[]; at: Date | null },
): Promise<void> {
  if (o.ids.length === 0) return
  await sql`
    update subscription set next_invoice_at = ${o.at}::timestamptz, updated_at = ${o.now}
    where id = any (${o.ids}::bigint[]) and next_invoice_at is distinct from ${o.at}::timestamptz
      and state = 'active'`.execute(tx)
}

/** A renewal that was voided is made out again on the day on which it would have been due. */
export async function setNextInvoiceWhenDue(
  tx: Tx,
  o: { now: Date; ids: readonly bigint[] },
): Promise<void> {
  await sql`
    update subscription set next_invoice_at = expires_at, updated_at = ${o.now}
    where id = any (${o.ids}::bigint[]) and kind = 'server' and state = 'active'`.execute(tx)
}

/** From now on a server is renewed for so many months, its addons with it. Whether that is new. */
export async function setBillingCycle(
  tx: Tx,
  o: { now: Date; subscriptionId: bigint; billingCycle: number },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update subscription u set billing_cycle = ${o.billingCycle}, updated_at = ${o.now}
    from subscription s
    where s.id = ${o.subscriptionId} and u.server_id = s.server_id and u.state = 'active'
      and u.billing_cycle <> ${o.billingCycle}`.execute(tx)
  return numAffectedRows !== 0n
}

/** Ends those of the addons, left out when their server was renewed, whose time is over. */
export async function endLeftOut(
  tx: Tx,
  o: { now: Date; ids: readonly bigint[] },
): Promise<{ id: bigint; accountId: bigint }[]> {
  if (o.ids.length === 0) return []
  const { rows } = await sql<{ id: bigint; accountId: bigint }>`
    update subscription set state = 'ended', updated_at = ${o.now}
    where id = any (${o.ids}::bigint[]) and state = 'active' and expires_at <= ${o.now}
    returning id, account_id as "accountId"`.execute(tx)
  return rows
}

export interface DueSuspension {
  readonly subscriptionId: bigint
  readonly serverId: bigint
  /** Whether its renewal is being paid at this moment. */
  readonly isBeingPaid: boolean
}

/** Locks subscriptions that by `now` have gone unpaid for too long, the longest first. */
export async function lockOverdue(
  tx: Tx,
  o: { now: Date; limit: number },
): Promise<DueSuspension[]> {
  const { rows } = await sql<DueSuspension>`
    with due as materialized (
      select id, server_id, expires_at from subscription
      where suspend_at <= ${o.now}::timestamptz
      order by suspend_at limit ${o.limit} for no key update skip locked
    )
    select d.id as "subscriptionId", d.server_id as "serverId", exists (
        select from purchase_line l join purchase p on p.id = l.purchase_id
        where l.subscription_id = d.id and l.period_from = d.expires_at and not l.is_cancelled
          and p.state = 'processing') as "isBeingPaid"
    from due d order by d.id`.execute(tx)
  return rows
}

/** When the scheduler suspends the servers of these; null: it has. */
export async function setSuspension(
  tx: Tx,
  o: { now: Date; ids: readonly bigint[]; at: Date | null },
): Promise<void> {
  if (o.ids.length === 0) return
  await sql`
    update subscription set suspend_at = ${o.at}::timestamptz, updated_at = ${o.now}
    where id = any (${o.ids}::bigint[])`.execute(tx)
}

/** Suspends a server that has gone unpaid at `at`, where nothing else would. */
export async function setSuspensionOfUnpaid(
  tx: Tx,
  o: { now: Date; serverId: bigint; at: Date },
): Promise<void> {
  await sql`
    update subscription set suspend_at = ${o.at}::timestamptz, updated_at = ${o.now}
    where server_id = ${o.serverId} and kind = 'server' and state = 'active'
      and suspend_at is null and expires_at <= ${o.now}::timestamptz`.execute(tx)
}

/** Whether a server's renewals pay for themselves from now on. Returns what has changed. */
export async function setAutoPay(
  tx: Tx,
  o: { now: Date; serverId: bigint; autoPay: boolean },
): Promise<{ id: bigint; accountId: bigint }[]> {
  const { rows } = await sql<{ id: bigint; accountId: bigint }>`
    update subscription set auto_pay = ${o.autoPay}, updated_at = ${o.now}
    where server_id = ${o.serverId} and kind = 'server' and state = 'active'
      and auto_pay <> ${o.autoPay}
    returning id, account_id as "accountId"`.execute(tx)
  return rows
}

/** Ends the subscriptions of a server and its addons: nothing is renewed any more. */
export async function endSubscriptions(
  tx: Tx,
  o: { now: Date; serverId: bigint },
): Promise<{ id: bigint; accountId: bigint }[]> {
  const { rows } = await sql<{ id: bigint; accountId: bigint }>`
    update subscription s set state = 'ended', next_invoice_at = null, suspend_at = null,
      updated_at = ${o.now}
    from (
      select id from subscription where server_id = ${o.serverId} and state = 'active'
      order by id for no key update
    ) theirs
    where s.id = theirs.id
    returning s.id, s.account_id as "accountId"`.execute(tx)
  return rows
}
