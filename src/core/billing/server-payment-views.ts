import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { ServerState, SuspensionReason } from '../servers/server.ts'

/** How a server stands for who wants to pay its renewal. */
export interface ServerToPay {
  readonly accountId: bigint
  readonly currency: string
  readonly state: ServerState
  readonly suspendedFor: SuspensionReason | null
  readonly subscriptionState: 'active' | 'ended'
  /** Its renewal that is not paid yet. */
  readonly openPurchaseId: bigint | null
  /** Whether a period that begins in the future is paid for. */
  readonly isPaidAhead: boolean
}

/** A server of the account; of any where `accountId` is null. */
export async function findServerToPay(
  db: Db,
  o: { accountId: bigint | null; serverId: bigint; now: Date },
): Promise<ServerToPay | undefined> {
  const { rows } = await sql<ServerToPay>`
    select s.account_id as "accountId", a.currency, s.state, s.suspended_for as "suspendedFor",
      u.state as "subscriptionState", o.id as "openPurchaseId",
      exists (
        select from subscription_period d
        where d.subscription_id = u.id and d.period_from > ${o.now}::timestamptz
      ) as "isPaidAhead"
    from server s
    join account a on a.id = s.account_id
    join subscription u on u.server_id = s.id and u.kind = 'server'
    left join lateral (
      select p.id from purchase_line l
      join purchase p on p.id = l.purchase_id
      where l.subscription_id = u.id and not l.is_cancelled
        and p.state in ('awaiting_payment', 'processing')
      order by l.period_from limit 1
    ) o on true
    where s.id = ${o.serverId}
      and s.account_id = coalesce(${o.accountId}::bigint, s.account_id)`.execute(db)
  return rows[0]
}

/** The purchase of an invoice of the account that renews this server. */
export async function findPurchaseToPay(
  db: Db,
  o: { accountId: bigint; serverId: bigint; invoiceId: bigint },
): Promise<bigint | null> {
  const { rows } = await sql<{ purchase_id: bigint }>`
    select i.purchase_id from invoice i
    where i.id = ${o.invoiceId} and i.account_id = ${o.accountId} and exists (
      select from purchase_line l join subscription u on u.id = l.subscription_id
      where l.purchase_id = i.purchase_id and u.server_id = ${o.serverId})`.execute(db)
  return rows[0]?.purchase_id ?? null
}
