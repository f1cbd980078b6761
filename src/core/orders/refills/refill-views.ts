import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import { parseNumber } from '../../../lib/ids.ts'
import type { KeyActor } from '../../actor.ts'
import { authorizeAny, translateOutage } from '../../execute.ts'
import type { KeyDirectory } from '../../identity/key-directory.ts'
import { Refusal } from '../../refusal.ts'
import { ORDER_IDS_MAX, ORDER_READERS } from '../order-reader.ts'
import type { RefillState } from './refill.ts'

/**
 * Where refills of the caller's stand, by the numbers as given; undefined for those that are not
 * his. At most 100. Refuses `insufficient_scope`, `too_many_ids`, `unauthorized`, `unavailable`.
 */
export async function readRefills(
  { db, keys }: { db: Db; keys: KeyDirectory },
  actor: KeyActor,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, RefillState | undefined>> {
  authorizeAny(actor, ORDER_READERS)
  if (numbers.length > ORDER_IDS_MAX) throw new Refusal('too_many_ids')
  const ids = numbers.flatMap((number) => parseNumber(number) ?? [])
  const { rows } = await translateOutage(() =>
    sql<{ epoch: bigint; id: bigint | null; state: RefillState }>`
      select e.value as epoch, r.id, r.state
      from epoch e
      left join refill r on r.id = any (${ids}::bigint[]) and r.account_id = ${actor.accountId}
      where e.name = 'key'`.execute(db),
  )
  // A key that was disabled or lost its right before this was read does not get to see it.
  if (rows.some((row) => row.epoch !== actor.epoch)) {
    authorizeAny(await keys.again(actor), ORDER_READERS)
  }
  const states = new Map(rows.map((row) => [row.id, row.state]))
  return new Map(
    numbers.map((number) => {
      const id = parseNumber(number)
      return [number, id === undefined ? undefined : states.get(id)]
    }),
  )
}

/** A refill as the operator sees it. */
export interface RefillView {
  readonly id: bigint
  readonly orderId: bigint
  readonly orderCreatedAt: Date
  readonly accountId: bigint
  readonly state: RefillState
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly endedAt: Date | null
}

/** A page of refills, newest first. */
export async function listRefills(
  db: Db,
  o: {
    orderId?: bigint | undefined
    accountId?: bigint | undefined
    state?: RefillState | undefined
    beforeId?: bigint | undefined
    limit: number
  },
): Promise<RefillView[]> {
  let query = select(db).orderBy('r.id', 'desc').limit(o.limit)
  if (o.orderId !== undefined) query = query.where('r.order_id', '=', o.orderId)
  if (o.accountId !== undefined) query = query.where('r.account_id', '=', o.accountId)
  if (o.state !== undefined) query = query.where('r.state', '=', o.state)
  if (o.beforeId !== undefined) query = query.where('r.id', '<', o.beforeId)
  return (await query.execute()).map(toView)
}

/** One refill. Refuses `refill_not_found`. */
export async function findRefill(db: Db, id: bigint): Promise<RefillView> {
  const row = await select(db).where('r.id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('refill_not_found')
  return toView(row)
}

/** What a provider does for a refill. */
export interface RefillWorkView {
  readonly orderId: bigint
  readonly provider: string
  readonly orderRef: string
  readonly ref: string | null
  readonly state: RefillState
}

/** All that is done for a refill. */
export async function listRefillWorks(db: Db, refillId: bigint): Promise<RefillWorkView[]> {
  const rows = await db
    .selectFrom('refill_work')
    .select(['order_id', 'provider', 'order_ref', 'ref', 'state'])
    .where('refill_id', '=', refillId)
    .orderBy('order_id')
    .execute()
  return rows.map(({ order_id: orderId, order_ref: orderRef, state, ...row }) => ({
    ...row,
    orderId,
    orderRef,
    state: state as RefillState,
  }))
}

function select(db: Db) {
  return db
    .selectFrom('refill as r')
    .innerJoin('service_order as o', 'o.id', 'r.order_id')
    .select([
      'r.id',
      'r.order_id',
      'o.created_at as order_created_at',
      'r.account_id',
      'r.state',
      'r.created_at',
      'r.updated_at',
      'r.ended_at',
    ])
}

function toView(
  row: Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number],
): RefillView {
  return {
    id: row.id,
    orderId: row.order_id,
    orderCreatedAt: row.order_created_at,
    accountId: row.account_id,
    state: row.state as RefillState,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    endedAt: row.ended_at,
  }
}

/** How many have not ended. */
export async function countOpenRefills(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from refill where ended_at is null`.execute(db)
  return rows[0]?.count ?? 0
}
