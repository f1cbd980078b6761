/** Refills without HTTP: orders that the simulated provider delivered, asked for by the core. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Actor, SYSTEM } from '../../src/core/actor.ts'
import { execute } from '../../src/core/execute.ts'
import type { DeliveryDriver } from '../../src/core/orders/delivery-driver.ts'
import { recordProgress } from '../../src/core/orders/record-progress.ts'
import { askProvider } from '../../src/core/orders/refills/ask-to-refill.ts'
import { claimRefills, recordRefills } from '../../src/core/orders/refills/follow-refills.ts'
import { type RefillResult, refillOrders } from '../../src/core/orders/refills/refill-orders.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { openDatabase } from '../../src/db/database.ts'
import {
  setSimulatedOutcome,
  simulatedDelivery,
} from '../../src/drivers/delivery/simulated-delivery.ts'
import { checkOrderBooks, newOrderCustomer, openOrderShop, placeOrderOf } from './orders.ts'
import { testDatabase } from './postgres.ts'

interface Asking {
  readonly actor?: Actor
  readonly idempotencyKey?: string
  readonly driver?: DeliveryDriver
}

/** `12`, or why there is none. */
export function told(result: RefillResult | undefined): string | undefined {
  return result?.refused === null ? result.refillId : result?.refused
}

export function refuses(code: string) {
  return (error: unknown): boolean => error instanceof Refusal && error.code === code
}

interface RefillRow {
  readonly id: bigint
  readonly state: string
  readonly answered_at: Date | null
  readonly ended_at: Date | null
}

/** A shop whose services refill for 30 days, with a customer, on a database of its own. */
export async function openRefillDesk() {
  const place = await testDatabase()
  const shop = await openOrderShop(openDatabase(place.connection, { connectWithinMs: 60_000 }))
  await shop.database.pool.query('update service set can_refill = true, refill_days = 30')
  const customer = await newOrderCustomer(shop)
  const driver = simulatedDelivery({ pool: shop.database.pool, clock: shop.clock })
  let shiftedMs = 0

  function timePasses(ms: number): void {
    shiftedMs += ms
    shop.clock.shiftTo(shiftedMs)
  }

  async function refill(orders: readonly (string | bigint)[], o: Asking = {}) {
    return await refillOrders(
      { funnel: shop.funnel, drivers: new Map([['simulated', o.driver ?? driver]]) },
      {
        actor: o.actor ?? customer,
        input: { orders: orders.map(String) },
        idempotencyKey: o.idempotencyKey ?? null,
      },
    )
  }

  async function refillOne(order: bigint, o: Asking = {}): Promise<string | undefined> {
    return told((await refill([order], o)).output.results[0])
  }

  async function taken(order: bigint, o: Asking = {}): Promise<bigint> {
    const [result] = (await refill([order], o)).output.results
    assert.equal(result?.refused, null, JSON.stringify(result))
    return BigInt(result.refillId)
  }

  async function hand(id: bigint): Promise<void> {
    const [serviceId, link] = [shop.serviceId, 'https://shop.example']
    const kind = { type: 'Default', upstreamService: null, params: null } as const
    await driver.submit([{ orderId: id, serviceId, quantity: 1_000n, link, ...kind }])
  }

  /** An order that its provider has delivered. */
  async function delivered(state: 'completed' | 'partial' = 'completed'): Promise<bigint> {
    const id = await placeOrderOf(shop, customer)
    await hand(id)
    const world = { pool: shop.database.pool, clock: shop.clock }
    assert.ok(await setSimulatedOutcome(world, id, { outcome: state, delivered: 600n }))
    const report = { state, remains: state === 'partial' ? 400n : 0n, startCount: null }
    const input = { reports: [{ orderId: id, report, providerRef: `sim-${id}` }], lease: null }
    await execute(shop.funnel, recordProgress, { actor: SYSTEM, input, idempotencyKey: null })
    return id
  }

  async function refillsOf(order: bigint): Promise<RefillRow[]> {
    const { rows } = await shop.database.pool.query<RefillRow>(
      'select * from refill where order_id = $1 order by id',
      [order],
    )
    return rows
  }

  async function refillEvents(order: bigint): Promise<string[]> {
    const { rows } = await shop.database.pool.query<{ kind: string }>(
      `select kind from event where kind like 'refill.%' and data->>'order' = $1
       order by restore_epoch, tx_id, id`,
      [String(order)],
    )
    return rows.map((row) => row.kind)
  }

  /** How often the provider was made to refill an order. */
  async function simulatedRefills(order: bigint): Promise<number> {
    const { rowCount } = await shop.database.pool.query(
      'select from simulated_refill where order_id = $1',
      [order],
    )
    return rowCount ?? 0
  }

  /** One look of a worker at everything that is due after leases have lapsed. */
  async function workerLooks(by: DeliveryDriver = driver): Promise<void> {
    await shop.database.pool.query(
      `update refill_work set lease_until = null, lease_worker = null,
         look_at = least(look_at, $1) where look_at is not null`,
      [shop.clock.now()],
    )
    const lease = randomUUID()
    const claim = { now: shop.clock.now(), lease, limit: 1_000 }
    const works = await claimRefills(shop.database, claim)
    const heard = await askProvider(by, works).catch(() => [])
    const refillIds = works.map((work) => work.refillId)
    const call = { actor: SYSTEM, input: { refillIds, heard, lease }, idempotencyKey: null }
    await execute(shop.funnel, recordRefills, call)
  }

  /** Fails where the books of orders are wrong. */
  async function close(): Promise<void> {
    try {
      await checkOrderBooks(shop)
    } finally {
      await shop.database.close()
      await place.drop()
    }
  }

  return {
    shop,
    customer,
    driver,
    timePasses,
    refill,
    refillOne,
    taken,
    hand,
    delivered,
    refillsOf,
    refillEvents,
    simulatedRefills,
    workerLooks,
    close,
  }
}
