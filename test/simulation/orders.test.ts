/**
 * A panel's life at random: orders of every shape placed, delivered, reported on, stopped, refilled,
 * corrected and refunded by customers, operators and three processes at once, while providers fail, leases
 * lapse, time passes and processes are killed. After each round what has ended stays as it ended,
 * and every order's charge is its delivered share and its refunds, to the millionth.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type OperatorActor, SYSTEM } from '../../src/core/actor.ts'
import { execute } from '../../src/core/execute.ts'
import type { Operation } from '../../src/core/operation.ts'
import { cancelOrders } from '../../src/core/orders/cancel-orders.ts'
import {
  confirmCorrection,
  dismissCorrection,
} from '../../src/core/orders/corrections/decide-correction.ts'
import { ORDER_STATES, type OrderState } from '../../src/core/orders/order.ts'
import { pauseOrder, resumeOrder } from '../../src/core/orders/pause-order.ts'
import { recordProgress } from '../../src/core/orders/record-progress.ts'
import { recordRechecks } from '../../src/core/orders/record-rechecks.ts'
import { refillOrders } from '../../src/core/orders/refills/refill-orders.ts'
import { setRefillState } from '../../src/core/orders/refills/set-refill-state.ts'
import { refundOrder } from '../../src/core/orders/refund-order.ts'
import { setOrderStatus } from '../../src/core/orders/set-order-status.ts'
import { setSimulatedOutcome } from '../../src/drivers/delivery/simulated-delivery.ts'
import { addSimulatedPosts } from '../../src/drivers/delivery/simulated-posts.ts'
import { SIMULATED_FAULTS, setSimulatedFault } from '../../src/drivers/simulated-faults.ts'
import { assertVerified } from '../kit/assert-verified.ts'
import {
  attempt,
  closeOrderWorld,
  killOne,
  lapseLeases,
  type OrderWorld,
  openOrderWorld,
  timePasses,
  untilAllEnded,
} from '../kit/order-world.ts'
import { CREDIT_MICROS, placeOrderOf } from '../kit/orders.ts'

const ROUNDS = 60
const ACTIONS_MAX = 12
const USERS = 4
const OPERATOR: OperatorActor = { kind: 'operator', operatorId: 1n }

interface Row {
  readonly id: bigint
  readonly account_id: bigint
  readonly parent_id: bigint | null
  readonly unfolds: boolean
  readonly state: OrderState
  readonly quantity: bigint
  readonly remains: bigint
  readonly charge: bigint
  readonly refunded: bigint
}

async function rowsOf({ shop }: OrderWorld): Promise<Row[]> {
  const { rows } = await shop.database.pool.query<Row>('select * from service_order order by id')
  return rows
}

/** Some order, mostly one that has not ended. */
async function someRow(world: OrderWorld, fits: (row: Row) => boolean): Promise<Row | undefined> {
  const rows = (await rowsOf(world)).filter(fits)
  const open = rows.filter((row) => !isEnded(row))
  const among = open.length > 0 && world.random.int(5) > 0 ? open : rows
  return among.length === 0 ? undefined : world.random.pick(among)
}

/** The number of some row of `rows`, a table and its condition. */
async function someId(world: OrderWorld, rows: string): Promise<bigint | undefined> {
  const query = `select id from ${rows} order by id`
  const found = await world.shop.database.pool.query<{ id: bigint }>(query)
  return found.rows.length === 0 ? undefined : world.random.pick(found.rows).id
}

const ENDED: readonly OrderState[] = ['partial', 'completed', 'done', 'canceled', 'failed']
const REFILL_ENDS = ['completed', 'rejected', 'error'] as const
const isEnded = (row: Row) => ENDED.includes(row.state)
const isOrder = (row: Row) => row.parent_id === null
const isDelivery = (row: Row) => !row.unfolds

async function operate<I, O>(
  world: OrderWorld,
  operation: Operation<I, O>,
  input: I,
): Promise<void> {
  const actor = operation.permission === 'system' ? SYSTEM : OPERATOR
  await attempt(world, operation.name, ({ funnel }) =>
    execute(funnel, operation, { actor, input, idempotencyKey: null }),
  )
}

/** Each can happen at any time, beside any other. */
const ACTIONS: Readonly<Record<string, (world: OrderWorld) => Promise<void>>> = {
  async place(world) {
    const { shop, random } = world
    const chargeMicros = BigInt(random.int(5_000_000))
    await placeOrderOf(shop, random.pick(world.customers), {
      quantity: BigInt(1 + random.int(2_000)),
      chargeMicros,
    })
  },

  async drip(world) {
    const { shop, random } = world
    const runs = 2 + random.int(3)
    await placeOrderOf(shop, random.pick(world.customers), {
      quantity: BigInt(runs * (1 + random.int(700))),
      chargeMicros: BigInt(1 + random.int(5_000_000)),
      unfolds: true,
      params: { runs: String(runs), interval: String(1 + random.int(3)) },
    })
  },

  async follow(world) {
    const { shop, random } = world
    const [posts, max] = [1 + random.int(4), 1 + random.int(300)]
    await placeOrderOf(shop, random.pick(world.customers), {
      quantity: BigInt(posts * max),
      chargeMicros: BigInt(1 + random.int(5_000_000)),
      unfolds: true,
      params: {
        username: `user-${random.int(USERS)}`,
        min: String(1 + random.int(max)),
        max: String(max),
        delay: String(random.int(3)),
        posts: String(posts),
        old_posts: String(random.int(2)),
        expiry: new Date(shop.clock.now().getTime() + random.int(3) * 86_400_000)
          .toISOString()
          .slice(0, 10),
      },
    })
  },

  async post(world) {
    const { shop, random } = world
    await addSimulatedPosts(
      { pool: shop.database.pool, clock: shop.clock },
      {
        username: `user-${random.int(USERS)}`,
        links: [`https://posts.example/${random.int(1_000_000)}`],
        postedAt: shop.clock.now(),
      },
    )
  },

  async outcome(world) {
    const { shop, random } = world
    const row = await someRow(world, isDelivery)
    if (row === undefined) return
    await setSimulatedOutcome({ pool: shop.database.pool, clock: shop.clock }, row.id, {
      outcome: random.pick(['completed', 'partial', 'failed', 'canceled'] as const),
      delivered: BigInt(random.int(Number(row.quantity) + 1)),
    })
  },

  /** A report that may be late, repeated, or contradict the ones before. */
  async report(world) {
    const { random } = world
    const row = await someRow(world, isDelivery)
    if (row === undefined) return
    const remains = random.int(4) === 0 ? null : BigInt(random.int(Number(row.quantity) + 2))
    const report = { state: random.pick(ORDER_STATES), remains, startCount: null }
    if (report.state === 'done') return
    await operate(world, recordProgress, { reports: [{ orderId: row.id, report }], lease: null })
  },

  async cancel(world) {
    const rows: (Row | undefined)[] = []
    for (let count = 1 + world.random.int(3); count > 0; count--) {
      rows.push(await someRow(world, isOrder))
    }
    const [first] = rows
    if (first === undefined) return
    const customer = world.customers.find((one) => one.accountId === first.account_id)!
    const orders = rows.flatMap((row) => (row === undefined ? [] : [String(row.id)]))
    await attempt(world, 'cancel', (process) =>
      cancelOrders(process, { actor: customer, input: { orders }, idempotencyKey: null }),
    )
  },

  async refill(world) {
    const row = await someRow(world, isOrder)
    if (row === undefined) return
    const actor = world.customers.find((one) => one.accountId === row.account_id)!
    const input = { orders: [String(row.id)] }
    await attempt(world, 'refill', (process) =>
      refillOrders(process, { actor, input, idempotencyKey: null }),
    )
  },

  async refillState(world) {
    const refillId = await someId(world, `refill where state in ('pending', 'in_progress')`)
    if (refillId === undefined) return
    await operate(world, setRefillState, { refillId, state: world.random.pick(REFILL_ENDS) })
  },

  /** What a provider says of a delivery after its end. */
  async takeBack(world) {
    const { shop, random } = world
    const row = await someRow(world, (one) => isDelivery(one) && isEnded(one))
    if (row === undefined) return
    const remains = BigInt(random.int(Number(row.quantity) + 2))
    const status = { kind: 'known', state: 'partial', startCount: null, remains } as const
    const looked = { provider: 'simulated', providerRef: `sim-${row.id}`, rechecks: 99 }
    const order = { ...looked, orderId: row.id, endedAt: shop.clock.now() }
    await operate(world, recordRechecks, [{ order, status }])
  },

  async decide(world) {
    const correctionId = await someId(world, `correction where state = 'open'`)
    if (correctionId === undefined) return
    if (world.random.int(3) === 0) {
      await operate(world, dismissCorrection, { correctionId })
      return
    }
    const amountMicros = world.random.int(2) === 0 ? null : BigInt(1 + world.random.int(100_000))
    await operate(world, confirmCorrection, { correctionId, amountMicros, reason: 'test' })
  },

  async refund(world) {
    const row = await someRow(world, isOrder)
    if (row === undefined) return
    const amountMicros = BigInt(1 + world.random.int(1_000_000))
    await operate(world, refundOrder, { orderId: row.id, amountMicros, reason: 'test' })
  },

  async setStatus(world) {
    const row = await someRow(world, () => true)
    if (row === undefined) return
    const state = world.random.pick(ORDER_STATES)
    const remains = BigInt(world.random.int(Number(row.quantity) + 1))
    const input = state === 'completed' ? { state } : { state, remains }
    await operate(world, setOrderStatus, { orderId: row.id, ...input })
  },

  async pause(world) {
    const row = await someRow(world, (one) => one.unfolds)
    if (row === undefined) return
    const operation = world.random.pick([pauseOrder, resumeOrder])
    await operate(world, operation, { orderId: row.id })
  },

  async fault({ shop, random }) {
    const operation = random.pick(['submit', 'status', 'cancel', 'refill', 'posts'] as const)
    const fault = random.pick(SIMULATED_FAULTS)
    await setSimulatedFault(shop.database.pool, { operation, fault, times: 1 })
  },

  time: async (world) => timePasses(world, world.random.int(90_000)),
  lapse: lapseLeases,
  kill: killOne,
}

/** How often each happens, for one of all. */
const WEIGHTS: Readonly<Record<string, number>> = {
  place: 16,
  drip: 10,
  follow: 10,
  post: 10,
  outcome: 14,
  report: 16,
  cancel: 12,
  refill: 8,
  refillState: 4,
  takeBack: 8,
  decide: 8,
  refund: 8,
  setStatus: 4,
  pause: 6,
  fault: 8,
  time: 14,
  lapse: 5,
  kill: 1,
}

/** What ended stays as it ended, but for what an operator gives back. */
function assertFinal(ended: Map<bigint, string>, rows: readonly Row[]): void {
  for (const row of rows) {
    const { id, state, quantity, remains, charge } = row
    const text = `${state} ${remains} of ${quantity} for ${charge}`
    const before = ended.get(id)
    if (before !== undefined) assert.equal(text, before, `order ${id} ended otherwise before`)
    else if (isEnded(row)) ended.set(id, text)
  }
}

/** The charge of each order is what was delivered of it, and what was given back. */
function assertMoney(row: Row, refunds: readonly Refund[]): void {
  let given = 0n
  let forState = 0n
  for (const { cause, amount } of refunds) {
    if (cause !== 'operator') {
      assert.equal(cause, row.state)
      const left = row.charge - given
      forState = undeliveredShare(row)
      if (cause === 'failed' || forState > left) forState = left
      assert.equal(amount, forState, `order ${row.id} gave back for being ${cause}`)
    }
    given += amount
  }
  assert.equal(given, row.refunded)
  assert.ok(given <= row.charge)
  const givesBack = ['partial', 'canceled', 'failed'].includes(row.state)
  if (!givesBack) assert.equal(forState, 0n)
  if (row.state === 'completed') assert.equal(row.remains, 0n)
  if (row.state === 'failed') assert.equal(given, row.charge)
  const byOperator = given - forState
  if (byOperator > 0n || !givesBack || row.state === 'failed') return
  const deliveredShare = row.charge - undeliveredShare(row)
  assert.equal(row.charge, deliveredShare + given, `order ${row.id}`)
}

function undeliveredShare({ charge, remains, quantity }: Row): bigint {
  return (charge * remains) / quantity
}

interface Refund {
  readonly order_id: bigint
  readonly cause: string
  readonly amount: bigint
}

/** As of one moment: deliveries go on meanwhile. */
async function check({ shop, customers }: OrderWorld, ended: Map<bigint, string>): Promise<void> {
  await assertVerified(shop.database)
  await shop.database.snapshot(async (db) => {
    const { rows } = await sql<Row>`select * from service_order`.execute(db)
    const refunds = await sql<Refund>`select * from order_refund order by id`.execute(db)
    const wallets = await sql<{ held: bigint }>`
      select sum(balance)::bigint as held from ledger_account where kind = 'wallet'`.execute(db)
    assertFinal(ended, rows)
    const byOrder = Map.groupBy(refunds.rows, (refund) => refund.order_id)
    for (const row of rows) assertMoney(row, byOrder.get(row.id) ?? [])
    const spent = rows.reduce((sum, row) => sum + row.charge - row.refunded, 0n)
    assert.equal(wallets.rows[0]?.held, BigInt(customers.length) * CREDIT_MICROS - spent)
  })
}

test('charge = delivered share + refunds, and what has ended stays so', async (t) => {
  const world = await openOrderWorld()
  const names = Object.entries(WEIGHTS).flatMap(([name, weight]) => Array(weight).fill(name))
  const ended = new Map<bigint, string>()
  let round = 0
  try {
    for (; round < ROUNDS; round++) {
      const actions = Array.from({ length: 1 + world.random.int(ACTIONS_MAX) }, () => {
        const name: string = world.random.pick(names)
        return ACTIONS[name]!(world)
      })
      await Promise.all(actions)
      await check(world, ended)
    }
    await world.shop.database.pool.query('update service_order set paused_at = null')
    await untilAllEnded(world)
    await check(world, ended)
    const ends = Object.fromEntries(Map.groupBy(ended.values(), (end) => end.split(' ')[0]!))
    const counts = Object.entries(ends).map(([state, all]) => `${state} ${all!.length}`)
    t.diagnostic(`${counts.join(', ')}; ${JSON.stringify(Object.fromEntries(world.happened))}`)
  } catch (error) {
    t.diagnostic(`PURSER_TEST_SEED=${world.random.seed} failed in round ${round}`)
    throw error
  } finally {
    await closeOrderWorld(world)
  }
})
