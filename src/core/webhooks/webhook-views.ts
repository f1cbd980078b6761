import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { DB, WebhookMessage as MessageRow, WebhookEndpoint } from '../../db/schema.ts'
import { Refusal } from '../refusal.ts'
import {
  type Endpoint,
  type EndpointState,
  type Message,
  type MessageState,
  TEST_ORDER_ID,
} from './webhook.ts'

export type EndpointRow = Selectable<WebhookEndpoint>

/** An endpoint by its public id, and whose alone it may be; null: anybody's. */
export interface EndpointName {
  readonly endpointId: string
  readonly accountId: bigint | null
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The endpoint that is named, unless it was removed. Refuses `not_found` for what is no name. */
export function rowsNamed(
  db: Db,
  { endpointId, accountId }: EndpointName,
): SelectQueryBuilder<DB, 'webhook_endpoint', EndpointRow> {
  if (!UUID.test(endpointId)) throw new Refusal('not_found')
  const query = db
    .selectFrom('webhook_endpoint')
    .selectAll()
    .where('public_id', '=', endpointId)
    .where('state', '<>', 'removed')
  return accountId === null ? query : query.where('account_id', '=', accountId)
}

/** Refuses `not_found`. */
export async function readEndpoint(db: Db, name: EndpointName): Promise<EndpointRow> {
  const row = await rowsNamed(db, name).executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return row
}

/** Newest first, below the row `before`. */
export async function listEndpoints(
  db: Db,
  o: {
    accountId?: bigint | undefined
    state?: string | undefined
    before?: bigint | undefined
    limit: number
  },
): Promise<{ id: string; endpoint: Endpoint }[]> {
  let query = db
    .selectFrom('webhook_endpoint')
    .selectAll()
    .where('state', '<>', 'removed')
    .orderBy('id', 'desc')
    .limit(o.limit)
  if (o.accountId !== undefined) query = query.where('account_id', '=', o.accountId)
  if (o.state !== undefined) query = query.where('state', '=', o.state)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  return (await query.execute()).map((row) => ({ id: String(row.id), endpoint: toEndpoint(row) }))
}

/** The address that is the account's own field, or null. */
export async function readMainUrl(db: Db, accountId: bigint): Promise<string | null> {
  const row = await db
    .selectFrom('webhook_endpoint')
    .select('url')
    .where('account_id', '=', accountId)
    .where('is_main', '=', true)
    .where('state', '<>', 'removed')
    .executeTakeFirst()
  return row?.url ?? null
}

/** The delivery log of an endpoint, newest first. Refuses `not_found`. */
export async function listMessages(
  db: Db,
  o: {
    name: EndpointName
    state?: string | undefined
    orderId?: bigint | undefined
    before?: bigint | undefined
    limit: number
  },
): Promise<Message[]> {
  const endpoint = await readEndpoint(db, o.name)
  let query = db
    .selectFrom('webhook_message')
    .selectAll()
    .where('endpoint_id', '=', endpoint.id)
    .orderBy('id', 'desc')
    .limit(o.limit)
  if (o.state !== undefined) query = query.where('state', '=', o.state)
  if (o.orderId !== undefined) query = query.where('order_id', '=', o.orderId)
  if (o.before !== undefined) query = query.where('id', '<', o.before)
  return (await query.execute()).map(toMessage)
}

/** How many messages wait for any endpoint, counted up to `upTo`. */
export async function countWaitingMessages(db: Db, upTo: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from (
      select from webhook_message where next_at is not null limit ${upTo}
    ) waiting`.execute(db)
  return rows[0]?.count ?? 0
}

export function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: row.public_id,
    accountId: String(row.account_id),
    url: row.url,
    isMain: row.is_main,
    state: row.state as EndpointState,
    disabledBecause: row.disabled_because as Endpoint['disabledBecause'],
    failingSince: row.failing_since?.toISOString() ?? null,
    rotatedAt: row.rotated_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

function toMessage(row: Selectable<MessageRow>): Message {
  return {
    id: String(row.id),
    eventId: row.event_id,
    orderId: row.order_id === TEST_ORDER_ID ? null : String(row.order_id),
    body: row.body,
    state: row.state as MessageState,
    attempts: row.attempts,
    nextAt: row.next_at?.toISOString() ?? null,
    lastStatus: row.last_status,
    lastError: row.last_error,
    isReplay: row.is_replay,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }
}
