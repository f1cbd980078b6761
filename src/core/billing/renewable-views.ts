import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { TaxTerms } from '../../lib/tax.ts'
import { invalidField, Refusal } from '../refusal.ts'
import type { ServerState, SuspensionReason } from '../servers/server.ts'

/** A server with its subscription and its addons, as the next renewal finds them. */
export interface RenewableServer {
  readonly subscriptionId: bigint
  readonly serverId: bigint
  readonly accountId: bigint
  readonly isActive: boolean
  readonly state: ServerState
  readonly suspendedFor: SuspensionReason | null
  readonly hostname: string
  /** The main one; null: it has none. */
  readonly address: string | null
  readonly planId: bigint
  readonly planName: string
  readonly minimumBillingCycle: number
  /** The subscription's own, and the one that it is to be renewed for. */
  readonly ownCycle: number
  readonly billingCycle: number
  readonly timeZone: string
  readonly anchorDay: number
  readonly expiresAt: Date
  readonly autoPay: boolean
  readonly currency: string
  readonly tax: TaxTerms
  /** The zone in which the account's invoices are dated. */
  readonly accountTimeZone: string
  /** For the whole cycle; null: not sold so. */
  readonly priceMicros: bigint | null
  /** The purchase that stands for the next period already. */
  readonly openPurchaseId: bigint | null
  /** Those that have been renewed with it so far. */
  readonly addons: readonly RenewableAddon[]
  /** The subscriptions of those that its last renewal left out. */
  readonly leftOutIds: readonly bigint[]
}

export interface RenewableAddon {
  readonly subscriptionId: bigint
  readonly serverId: bigint
  readonly name: string
  readonly quantity: number
  readonly priceMicros: bigint | null
}

interface ServerRow extends Omit<RenewableServer, 'tax' | 'addons' | 'leftOutIds'> {
  readonly ratePpm: number
  readonly pricesIncludeTax: boolean
}

/**
 * The servers of these subscriptions, in their order; `billingCycle` null is the subscription's
 * own. Two queries, however many they are.
 */
export async function readRenewables(
  db: Db,
  asked: readonly { readonly subscriptionId: bigint; readonly billingCycle: number | null }[],
): Promise<RenewableServer[]> {
  if (asked.length === 0) return []
  const { rows } = await sql<ServerRow>`
    select s.id as "subscriptionId", s.server_id as "serverId", s.account_id as "accountId",
      s.state = 'active' as "isActive", v.state, v.suspended_for as "suspendedFor", v.hostname,
      host(d.address) as address, p.id as "planId", p.name as "planName",
      p.minimum_billing_cycle as "minimumBillingCycle", s.billing_cycle as "ownCycle",
      coalesce(i.cycle, s.billing_cycle) as "billingCycle", s.time_zone as "timeZone",
      s.anchor_day as "anchorDay", s.expires_at as "expiresAt", s.auto_pay as "autoPay",
      a.currency, t.rate_ppm as "ratePpm", t.prices_include_tax as "pricesIncludeTax",
      a.time_zone as "accountTimeZone", n.amount as "priceMicros",
      l.purchase_id as "openPurchaseId"
    from rows from (
      unnest(${asked.map((one) => one.subscriptionId)}::bigint[]),
      unnest(${asked.map((one) => one.billingCycle)}::smallint[])
    ) with ordinality as i (id, cycle, at)
    join subscription s on s.id = i.id
    join server v on v.id = s.server_id
    join plan p on p.id = s.plan_id
    join account a on a.id = s.account_id
    join tax_profile t on t.id = a.tax_profile_id
    left join plan_price n on n.plan_id = s.plan_id and n.currency = a.currency
      and n.billing_cycle = coalesce(i.cycle, s.billing_cycle)
    left join server_address d on d.server_id = v.id and d.is_main
    left join purchase_line l on l.subscription_id = s.id and l.period_from = s.expires_at
      and not l.is_cancelled
    order by i.at`.execute(db)
  const addons = Map.groupBy(await readAddons(db, rows), (addon) => addon.serverId)
  return rows.map(({ ratePpm, pricesIncludeTax, ...row }) => {
    const own = addons.get(row.serverId) ?? []
    return {
      ...row,
      tax: { ratePpm, pricesIncludeTax },
      addons: own.filter((addon) => addon.isInStep),
      leftOutIds: own.flatMap((addon) => (addon.isInStep ? [] : addon.subscriptionId)),
    }
  })
}

interface AddonRow extends RenewableAddon {
  readonly isInStep: boolean
}

/** The subquery keeps its OFFSET, so that it is one look into an index for each server. */
async function readAddons(db: Db, servers: readonly ServerRow[]): Promise<AddonRow[]> {
  const { rows } = await sql<AddonRow>`
    select s.id as "subscriptionId", i.server_id as "serverId", o.name, s.quantity,
      m.amount as "priceMicros", s.expires_at = i.expires_at as "isInStep"
    from rows from (
      unnest(${servers.map((server) => server.serverId)}::bigint[]),
      unnest(${servers.map((server) => server.expiresAt)}::timestamptz[]),
      unnest(${servers.map((server) => server.billingCycle)}::smallint[]),
      unnest(${servers.map((server) => server.currency)}::text[])
    ) as i (server_id, expires_at, cycle, currency)
    cross join lateral (
      select s.id, s.addon_id, s.quantity, s.expires_at from subscription s
      where s.server_id = i.server_id and s.kind = 'server-addon' and s.state = 'active'
      offset 0
    ) s
    join addon o on o.id = s.addon_id
    left join addon_price m on m.addon_id = s.addon_id and m.currency = i.currency
      and m.billing_cycle = i.cycle
    order by s.id`.execute(db)
  return rows
}

/**
 * The subscriptions of servers of one account, in their order; of `accountId` alone where one is
 * given. Refuses `not_found`, and `invalid_input` for servers of several accounts.
 */
export async function findServerSubscriptions(
  db: Db,
  o: { accountId: bigint | null; serverIds: readonly bigint[] },
): Promise<bigint[]> {
  const { rows } = await sql<{ id: bigint; accountId: bigint; serverId: bigint }>`
    select id, account_id as "accountId", server_id as "serverId" from subscription
    where server_id = any (${o.serverIds}::bigint[]) and kind = 'server'
      and account_id = coalesce(${o.accountId}::bigint, account_id)`.execute(db)
  const found = new Map(rows.map((row) => [row.serverId, row.id]))
  if (new Set(rows.map((row) => row.accountId)).size > 1) {
    throw invalidField('/server_ids', 'must be servers of one account')
  }
  return o.serverIds.map((serverId) => {
    const id = found.get(serverId)
    if (id === undefined) throw new Refusal('not_found', { detail: `No server ${serverId}.` })
    return id
  })
}
