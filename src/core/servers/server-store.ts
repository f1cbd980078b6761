import { sql } from 'kysely'
import { columnOf } from '../../db/column-of.ts'
import type { Tx } from '../../db/database.ts'
import { Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { ServerAddress, ServerState, SuspensionReason } from './server.ts'

/**
 * SQL that writes servers. Wallets, purchases and subscriptions are locked before servers, and
 * those in id order. A server whose provider is to be told something has `look_at`.
 */
export interface StoredServer {
  readonly id: bigint
  readonly accountId: bigint
  readonly hostname: string
  readonly state: ServerState
  readonly suspendedFor: SuspensionReason | null
}

export interface NewServer {
  readonly publicId: string
  readonly accountId: bigint
  readonly planId: bigint
  readonly provider: string
  readonly providerRef: string
  readonly hostname: string
  readonly location: string
  readonly image: { readonly name: string; readonly family: string; readonly version: string }
}

/** Refuses `conflict` where the provider's server is another one's already. */
export async function insertServer(tx: Tx, server: NewServer, now: Date): Promise<bigint> {
  const taken = 'There is a server with this provider_ref.'
  const { id } = await unlessTaken('server_provider_ref_key', taken, () =>
    tx
      .insertInto('server')
      .values({
        public_id: server.publicId,
        account_id: server.accountId,
        plan_id: server.planId,
        provider: server.provider,
        provider_ref: server.providerRef,
        hostname: server.hostname,
        location: server.location,
        image_name: server.image.name,
        image_family: server.image.family,
        image_version: server.image.version,
        created_at: now,
        updated_at: now,
      })
      .returning('id')
      .executeTakeFirstOrThrow(),
  )
  return id
}

export type NewAddress = Omit<ServerAddress, 'id' | 'version'>

/** In the order given. Refuses `conflict` where one is another server's. */
export async function insertAddresses(
  tx: Tx,
  serverId: bigint,
  addresses: readonly NewAddress[],
): Promise<void> {
  if (addresses.length === 0) return
  const column = columnOf(addresses)
  const taken = 'One of the addresses is in use.'
  await unlessTaken('server_address_address_key', taken, () =>
    sql`
      insert into server_address (server_id, version, address, gateway, prefix, is_main,
        is_ddos_protected, ptr)
      select ${serverId}, family(i.address), i.address, i.gateway, i.prefix, i.is_main,
        i.is_ddos_protected, i.ptr
      from rows from (
        unnest(${column((one) => one.address)}::inet[]),
        unnest(${column((one) => one.gateway)}::inet[]),
        unnest(${column((one) => one.prefix)}::smallint[]),
        unnest(${column((one) => one.main)}::boolean[]),
        unnest(${column((one) => one.ddosProtected)}::boolean[]),
        unnest(${column((one) => one.ptr)}::text[])
      ) with ordinality as i (address, gateway, prefix, is_main, is_ddos_protected, ptr, at)
      order by i.at`.execute(tx),
  )
}

/** Locks servers in id order; one that does not exist is missing. */
export async function lockServers(tx: Tx, ids: readonly bigint[]): Promise<StoredServer[]> {
  const { rows } = await sql<StoredServer>`
    select id, account_id as "accountId", hostname, state, suspended_for as "suspendedFor"
    from server where id = any (${ids}::bigint[]) order by id for no key update`.execute(tx)
  return rows
}

/** Locks one. Refuses `not_found`. */
export async function lockServer(tx: Tx, id: bigint): Promise<StoredServer> {
  const [server] = await lockServers(tx, [id])
  if (!server) throw new Refusal('not_found')
  return server
}

/** Locks those that are suspended for want of payment, in id order. */
export async function lockUnpaid(tx: Tx, ids: readonly bigint[]): Promise<StoredServer[]> {
  const { rows } = await sql<StoredServer>`
    select id, account_id as "accountId", hostname, state, suspended_for as "suspendedFor"
    from server
    where id = any (${ids}::bigint[]) and state = 'suspended' and suspended_for = 'unpaid'
    order by id for no key update`.execute(tx)
  return rows
}

/** Puts locked servers into another state, of which the provider is then told. */
export async function writeServerState(
  tx: Tx,
  o: {
    ids: readonly bigint[]
    state: ServerState
    suspendedFor: SuspensionReason | null
    now: Date
  },
): Promise<void> {
  await sql`
    update server set state = ${o.state}, suspended_for = ${o.suspendedFor}, state_told = false,
      look_at = ${o.now}::timestamptz, updated_at = ${o.now}::timestamptz
    where id = any (${o.ids}::bigint[])`.execute(tx)
}

export async function writeHostname(
  tx: Tx,
  o: { id: bigint; hostname: string; now: Date },
): Promise<void> {
  await tx
    .updateTable('server')
    .set({ hostname: o.hostname, updated_at: o.now })
    .where('id', '=', o.id)
    .execute()
}

/** A server whose provider is to be told of its state. */
export interface UntoldServer {
  readonly id: bigint
  readonly provider: string
  readonly providerRef: string
  readonly state: ServerState
  readonly updatedAt: Date
}

/** How long a server that is being told of is one worker's own. A dead one's is told after it. */
const LEASE_MS = 25_000

/** Takes up to `limit` servers for `lease` that are due at `now`, the longest due first. */
export async function claimUntoldRows(
  tx: Tx,
  o: { now: Date; lease: string; limit: number },
): Promise<UntoldServer[]> {
  const { rows } = await sql<UntoldServer>`
    with due as materialized (
      select id from server
      where look_at <= ${o.now}::timestamptz
        and (lease_until is null or lease_until <= clock_timestamp())
      order by look_at limit ${o.limit} for no key update skip locked
    )
    update server s set lease_worker = ${o.lease}::uuid,
      lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
    from due where s.id = due.id
    returning s.id, s.provider, s.provider_ref as "providerRef", s.state,
      s.updated_at as "updatedAt"`.execute(tx)
  return rows
}

/**
 * What became of telling, under `lease`: where the provider knows the state that the server still
 * has, nothing is left to tell; else somebody looks again at `lookAt`, and where the state has
 * changed meanwhile at once.
 */
export async function writeTold(
  tx: Tx,
  o: {
    lease: string
    reports: readonly ToldReport[]
    now: Date
  },
): Promise<void> {
  const column = columnOf(o.reports)
  await sql`
    with held as materialized (
      select s.id, s.state = i.state as is_current, i.look_at
      from rows from (
        unnest(${column((one) => one.id)}::bigint[]),
        unnest(${column((one) => one.state)}::text[]),
        unnest(${column((one) => one.lookAt)}::timestamptz[])
      ) as i (id, state, look_at)
      join server s on s.id = i.id
      where s.lease_worker = ${o.lease}::uuid
      order by s.id for no key update of s
    )
    update server s set lease_worker = null, lease_until = null,
      state_told = h.is_current and h.look_at is null,
      look_at = case when h.is_current then h.look_at else ${o.now}::timestamptz end
    from held h where s.id = h.id`.execute(tx)
}

export interface ToldReport {
  readonly id: bigint
  /** The state that the provider was told. */
  readonly state: ServerState
  /** When it is to be told again; null: it has done it. */
  readonly lookAt: Date | null
}
