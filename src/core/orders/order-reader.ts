import type pg from 'pg'
import type { KeyActor } from '../actor.ts'
import { Coalescer } from '../coalescer.ts'
import { authorizeAny, translateOutage } from '../execute.ts'
import type { KeyDirectory } from '../identity/key-directory.ts'
import { readBalances, type WalletBalance } from '../ledger/balances.ts'
import { Refusal } from '../refusal.ts'
import type { Scope } from '../scope.ts'
import type { OrderState } from './order.ts'
import { parseOrderName } from './order-name.ts'

/** The most ids that one request may name. */
export const ORDER_IDS_MAX = 100

/** Who may see balance, prices and orders: whoever pays the bills, and whoever buys. */
export const ORDER_READERS: readonly Scope[] = ['read:billing', 'write:orders']

/** An order as its customer sees it: its parts are not seen. */
export interface OrderStatus {
  readonly id: bigint
  readonly accountId: bigint
  readonly state: OrderState
  /** What was taken, less what was given back. */
  readonly netChargeMicros: bigint
  readonly startCount: bigint | null
  readonly remains: bigint
  readonly currency: string
  readonly createdAt: Date
}

/** Reads balances and orders, many requests to a query. Nothing is cached. */
export class OrderReader {
  readonly #keys: KeyDirectory
  readonly #orders: Coalescer<bigint, Read<OrderStatus>>
  readonly #balances: Coalescer<bigint, WalletBalance>

  /** `pool`: connections whose plans do not depend on statistics. */
  constructor(pool: pg.Pool, keys: KeyDirectory) {
    this.#keys = keys
    const limits = { batchMax: 1_000, waitingMax: 20_000, inFlightMax: 2 }
    this.#orders = new Coalescer((ids) => readOrders(pool, ids), limits)
    this.#balances = new Coalescer((ids) => translateOutage(() => readBalances(pool, ids)), limits)
  }

  /** The wallet's balance. Refuses `insufficient_scope`, `unauthorized`, `unavailable`. */
  async balance(actor: KeyActor): Promise<bigint> {
    authorizeAny(actor, ORDER_READERS)
    const read = await this.#balances.get(actor.walletId)
    if (!read) throw new Error(`wallet ${actor.walletId} is missing`)
    await this.#recheck(actor, read.keyEpoch)
    return read.balance
  }

  /** One order. Refuses `order_not_found`, also for another account's. */
  async one(actor: KeyActor, name: string): Promise<OrderStatus> {
    authorizeAny(actor, ORDER_READERS)
    const order = await this.#find(actor, name.trim())
    if (!order) throw new Refusal('order_not_found')
    return order
  }

  /** By the names as given; undefined for those that are not the caller's. At most 100. */
  async many(
    actor: KeyActor,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, OrderStatus | undefined>> {
    authorizeAny(actor, ORDER_READERS)
    if (names.length > ORDER_IDS_MAX) throw new Refusal('too_many_ids')
    const found = await Promise.all(
      names.map(async (name) => [name, await this.#find(actor, name)] as const),
    )
    return new Map(found)
  }

  async #find(actor: KeyActor, text: string): Promise<OrderStatus | undefined> {
    const name = parseOrderName(text)
    if (!name) return undefined
    const read = await this.#orders.get(name.id)
    if (!read) return undefined
    await this.#recheck(actor, read.keyEpoch)
    const order = read.value
    return order.accountId === actor.accountId && name.fits(order.createdAt) ? order : undefined
  }

  /** A key that was disabled or lost its right before the value was read does not get to see it. */
  async #recheck(actor: KeyActor, keyEpoch: bigint): Promise<void> {
    if (keyEpoch !== actor.epoch) authorizeAny(await this.#keys.again(actor), ORDER_READERS)
  }
}

/** A value, and the key epoch at the moment it was read: a disabled key sees nothing. */
interface Read<Value> {
  readonly value: Value
  readonly keyEpoch: bigint
}

interface OrderRow {
  epoch: bigint
  id: bigint
  account_id: bigint
  state: OrderState
  net_charge: bigint
  start_count: bigint | null
  remains: bigint
  currency: string
  created_ms: number
}

const READ_ORDERS = `
  select e.value as epoch, o.id, o.account_id, o.state, o.charge - o.refunded as net_charge,
    o.start_count, o.remains, o.currency,
    (extract(epoch from o.created_at) * 1000)::float8 as created_ms
  from epoch e cross join unnest($1::bigint[]) as asked (id)
  cross join lateral (
    select * from service_order s where s.id = asked.id and s.parent_id is null limit 1
  ) o
  where e.name = 'key'`

async function readOrders(
  pool: pg.Pool,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, Read<OrderStatus>>> {
  const { rows } = await translateOutage(() =>
    pool.query<OrderRow>({
      name: 'read_orders',
      text: READ_ORDERS,
      values: [`{${ids.join(',')}}`],
    }),
  )
  const found = new Map<bigint, Read<OrderStatus>>()
  for (const row of rows) {
    const value: OrderStatus = {
      id: row.id,
      accountId: row.account_id,
      state: row.state,
      netChargeMicros: row.net_charge,
      startCount: row.start_count,
      remains: row.remains,
      currency: row.currency,
      createdAt: new Date(row.created_ms),
    }
    found.set(row.id, { keyEpoch: row.epoch, value })
  }
  return found
}
