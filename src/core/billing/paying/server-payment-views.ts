import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import type { ServerState, SuspensionReason } from '../../servers/server.ts'

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

/**
 * How servers stand at `now`, by their number; one that does not exist is missing. The subqueries
 * keep their OFFSETs, so that each is a look into an index for each server, however many they are
 * and whatever the statistics say.
 */
export async function readServersToPay(
  db: Db,
  o: { serverIds: readonly bigint[]; now: Date },
): Promise<ReadonlyMap<bigint, ServerToPay>> {
  const { rows } = await sql<ServerToPay & { readonly id: bigint }>`
    select s.id, s.account_id as "accountId", a.currency, s.state,
      s.suspended_for as "suspendedFor", u.state as "subscriptionState", o.id as "openPurchaseId",
      exists (
        select from subscription_period d
        where d.subscription_id = u.id and d.period_from > ${o.now}::timestamptz
      ) as "isPaidAhead"
    from unnest(${o.serverIds}::bigint[]) as i (id)
    cross join lateral (select * from server s where s.id = i.id offset 0) s
    cross join lateral (select * from account a where a.id = s.account_id offset 0) a
    cross join lateral (
      select * from subscription u where u.server_id = s.id and u.kind = 'server' offset 0
    ) u
    left join lateral (
      select p.id from purchase_line l
      join purchase p on p.id = l.purchase_id
      where l.subscription_id = u.id and not l.is_cancelled
        and p.state in ('awaiting_payment', 'processing')
      order by l.period_from limit 1
    ) o on true`.execute(db)
  return new Map(rows.map(({ id, ...server }) => [id, server]))
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
