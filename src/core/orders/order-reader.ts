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
  readonly #one: Coalescer<Asking, FoundOrders>
  readonly #many: Coalescer<Asking, FoundOrders>
  readonly #balances: Coalescer<bigint, WalletBalance>

  /** `pool`: connections whose plans do not depend on statistics. */
  constructor(pool: pg.Pool, keys: KeyDirectory) {
    this.#keys = keys
    const limits = { batchMax: 1_000, waitingMax: 20_000, inFlightMax: 2 }
    const load = (askings: readonly Asking[]) => readOrders(pool, askings)
    this.#one = new Coalescer(load, limits)
    // Requests of up to a hundred orders: as many orders to a query as those of one.
    this.#many = new Coalescer(load, { batchMax: 10, waitingMax: 2_000, inFlightMax: 2 })
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
    const order = (await this.#find(this.#one, actor, [name.trim()])).get(name.trim())
    if (!order) throw new Refusal('order_not_found')
    return order
  }

  /** By the names as given; undefined for those that are not the caller's. At most 100. */
  async many(
    actor: KeyActor,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, OrderStatus | undefined>> {
    if (names.length > ORDER_IDS_MAX) throw new Refusal('too_many_ids')
    return await this.#find(this.#many, actor, names)
  }

  async #find(
    by: Coalescer<Asking, FoundOrders>,
    actor: KeyActor,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, OrderStatus | undefined>> {
    authorizeAny(actor, ORDER_READERS)
    const asking = askingOf(names)
    const found = asking.count === 0 ? undefined : await by.get(asking)
    if (found !== undefined) await this.#recheck(actor, found.keyEpoch)
    const orders = new Map<bigint, OrderStatus>()
    for (const line of found?.lines?.split(';') ?? []) {
      const order = readLine(line)
      orders.set(order.id, order)
    }
    return new Map(
      names.map((text) => {
        // Read twice rather than kept while the query is out.
        const name = parseOrderName(text)
        const order = name && orders.get(name.id)
        const own = order?.accountId === actor.accountId && name?.fits(order.createdAt)
        return [text, own ? order : undefined]
      }),
    )
  }

  /** A key that was disabled or lost its right before the value was read does not get to see it. */
  async #recheck(actor: KeyActor, keyEpoch: bigint): Promise<void> {
    if (keyEpoch !== actor.epoch) authorizeAny(await this.#keys.again(actor), ORDER_READERS)
  }
}

/** Some orders by their ids: text with commas, as short as it can wait. */
interface Asking {
  readonly ids: string
  readonly count: number
}

function askingOf(names: readonly string[]): Asking {
  const ids: bigint[] = []
  for (const text of names) {
    const name = parseOrderName(text)
    if (name !== undefined) ids.push(name.id)
  }
  return { ids: ids.join(','), count: ids.length }
}

/** Orders as lines of text, and the key epoch at the moment they were read. */
interface FoundOrders {
  /** A key that was disabled before it sees nothing. */
  readonly keyEpoch: bigint
  readonly lines: string | null
}

/**
 * A text for each asking, an order a line: a hundred rows of nine columns take longer to read than
 * to find, and what waits as objects for its turn is copied again and again meanwhile.
 */
const READ_ORDERS = `
  select e.value as epoch, a.at, a.lines
  from epoch e
  left join lateral (
    select asked.at, string_agg(concat_ws(',', o.id, o.account_id, o.state, o.charge - o.refunded,
      coalesce(o.start_count::text, ''), o.remains, o.currency,
      date_part('epoch', o.created_at) * 1000), ';') as lines
    from rows from (unnest($1::bigint[]), unnest($2::integer[])) as asked (id, at)
    cross join lateral (
      select * from service_order s where s.id = asked.id and s.parent_id is null limit 1
    ) o
    group by asked.at
  ) a on true
  where e.name = 'key'`

/** What each asking for some orders finds, all of them in one query. */
async function readOrders(
  pool: pg.Pool,
  askings: readonly Asking[],
): Promise<ReadonlyMap<Asking, FoundOrders>> {
  const { rows } = await translateOutage(() =>
    pool.query<{ epoch: bigint; at: number | null; lines: string | null }>({
      name: 'read_orders',
      text: READ_ORDERS,
      values: [
        `{${askings.map(({ ids }) => ids).join(',')}}`,
        `{${askings.map(({ count }, at) => Array(count).fill(at).join(',')).join(',')}}`,
      ],
    }),
  )
  const keyEpoch = rows[0]?.epoch
  if (keyEpoch === undefined) throw new Error('the key epoch is missing')
  const linesAt = new Map(rows.map(({ at, lines }) => [at, lines]))
  return new Map(
    askings.map((asking, at) => [asking, { keyEpoch, lines: linesAt.get(at) ?? null }]),
  )
}

function readLine(line: string): OrderStatus {
  const [id = '', accountId = '', state, net = '', start, remains = '', currency = '', ms] =
    line.split(',')
  return {
    id: BigInt(id),
    accountId: BigInt(accountId),
    state: state as OrderState,
    netChargeMicros: BigInt(net),
    startCount: start === '' || start === undefined ? null : BigInt(start),
    remains: BigInt(remains),
    currency,
    createdAt: new Date(Number(ms)),
  }
}
