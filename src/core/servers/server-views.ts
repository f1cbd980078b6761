import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { readRenewalPrices } from '../billing/renewal-prices.ts'
import type { AddonOfServer, Server, ServerAddress, ServerState } from './server.ts'

/**
 * The servers that these columns of `s` (server), `p` (plan), `u` (its subscription) and `a`
 * (account) are selected from.
 */
const SERVERS = sql`
  from server s
  join plan p on p.id = s.plan_id
  join subscription u on u.server_id = s.id and u.kind = 'server'
  join account a on a.id = s.account_id`

interface ServerRow {
  readonly id: bigint
  readonly public_id: string
  readonly account_id: bigint
  readonly provider: string
  readonly provider_ref: string
  readonly hostname: string
  readonly location: string
  readonly image_name: string
  readonly image_family: string
  readonly image_version: string
  readonly state: ServerState
  readonly suspended_for: Server['suspendedFor']
  readonly locked_at: Date | null
  readonly created_at: Date
  readonly plan_id: bigint
  readonly plan_public_id: string
  readonly plan_key: string
  readonly plan_name: string
  readonly vcpus: number
  readonly memory_mb: number
  readonly disk_gb: number
  readonly bandwidth_gb: number
  readonly minimum_billing_cycle: number
  readonly available: boolean
  readonly subscription_id: bigint
  readonly billing_cycle: number
  readonly expires_at: Date
  readonly auto_pay: boolean
  readonly active: boolean
  readonly time_zone: string
  readonly currency: string
}

export interface ServerChoice {
  /** Null: anybody's, for operators. */
  readonly accountId: bigint | null
  /** SQL for a condition on `s`, its plan `p` and its subscription `u`. */
  readonly where: RawBuilder<unknown>
  readonly orderBy: RawBuilder<unknown>
  readonly limit: number
  readonly offset: number
}

/** The account's servers that are chosen, in six queries however many they are. */
export async function readServers(db: Db, o: ServerChoice): Promise<Server[]> {
  const { rows } = await sql<ServerRow>`
    select s.id, s.public_id, s.account_id, s.provider, s.provider_ref, s.hostname, s.location,
      s.image_name, s.image_family, s.image_version, s.state, s.suspended_for, s.locked_at,
      s.created_at, p.id as plan_id, p.public_id as plan_public_id, p.key as plan_key,
      p.name as plan_name, p.vcpus, p.memory_mb, p.disk_gb, p.bandwidth_gb,
      p.minimum_billing_cycle, p.state = 'active' as available, u.id as subscription_id,
      u.billing_cycle, u.expires_at, u.auto_pay, u.state = 'active' as active, u.time_zone,
      a.currency
    ${SERVERS}
    where ${isOf(o.accountId)} and ${o.where}
    order by ${o.orderBy} limit ${o.limit} offset ${o.offset}`.execute(db)
  if (rows.length === 0) return []
  const serverIds = rows.map((row) => row.id)
  const addresses = Map.groupBy(await readAddresses(db, serverIds), (row) => row.serverId)
  const addons = Map.groupBy(await readAddons(db, serverIds), (row) => row.serverId)
  const prices = await readRenewalPrices(db, serverIds)
  return rows.map((row) => {
    const price = prices.get(row.id)
    return {
      ...toServer(row),
      addresses: (addresses.get(row.id) ?? []).map(({ serverId: _, ...address }) => address),
      addons: (addons.get(row.id) ?? []).map(({ serverId: _, ...addon }) => addon),
      plan: { ...toPlan(row), price: price?.plan ?? null },
      subscription: { ...toSubscription(row), renewal: price?.renewal ?? null },
    }
  })
}

/** How many of the account's servers are chosen. */
export async function countServers(
  db: Db,
  o: Pick<ServerChoice, 'accountId' | 'where'>,
): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    select count(*) ${SERVERS}
    where ${isOf(o.accountId)} and ${o.where}`.execute(db)
  return Number(rows[0]?.count ?? 0n)
}

function isOf(accountId: bigint | null): RawBuilder<unknown> {
  return accountId === null ? sql`true` : sql`s.account_id = ${accountId}`
}

async function readAddresses(
  db: Db,
  serverIds: readonly bigint[],
): Promise<(ServerAddress & { serverId: bigint })[]> {
  const { rows } = await sql<ServerAddress & { serverId: bigint }>`
    select server_id as "serverId", id, version, host(address) as address,
      host(gateway) as gateway, prefix, is_main as main, is_ddos_protected as "ddosProtected", ptr
    from server_address
    where server_id = any (${serverIds}::bigint[])
    order by server_id, is_main desc, id`.execute(db)
  return rows
}

async function readAddons(
  db: Db,
  serverIds: readonly bigint[],
): Promise<(AddonOfServer & { serverId: bigint })[]> {
  const { rows } = await sql<AddonOfServer & { serverId: bigint }>`
    select u.server_id as "serverId", u.id as "subscriptionId", u.public_id as "publicId", n.key,
      n.family, n.name, u.quantity, u.expires_at as "expiresAt"
    from subscription u
    join addon n on n.id = u.addon_id
    where u.server_id = any (${serverIds}::bigint[]) and u.state = 'active'
    order by u.server_id, u.id`.execute(db)
  return rows
}

function toServer(row: ServerRow) {
  return {
    id: row.id,
    publicId: row.public_id,
    accountId: row.account_id,
    provider: row.provider,
    providerRef: row.provider_ref,
    hostname: row.hostname,
    location: row.location,
    image: { name: row.image_name, family: row.image_family, version: row.image_version },
    state: row.state,
    suspendedFor: row.suspended_for,
    lockedAt: row.locked_at,
    createdAt: row.created_at,
  }
}

function toPlan(row: ServerRow) {
  return {
    id: row.plan_id,
    publicId: row.plan_public_id,
    key: row.plan_key,
    name: row.plan_name,
    vcpus: row.vcpus,
    memoryMb: row.memory_mb,
    diskGb: row.disk_gb,
    bandwidthGb: row.bandwidth_gb,
    minimumBillingCycle: row.minimum_billing_cycle,
    available: row.available,
  }
}

function toSubscription(row: ServerRow) {
  return {
    id: row.subscription_id,
    billingCycle: row.billing_cycle,
    expiresAt: row.expires_at,
    autoPay: row.auto_pay,
    active: row.active,
    timeZone: row.time_zone,
    currency: row.currency,
  }
}
