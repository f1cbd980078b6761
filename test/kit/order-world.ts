/** A panel's life within one test: several processes that deliver orders, and can be killed. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { KeyActor } from '../../src/core/actor.ts'
import type { Funnel } from '../../src/core/execute.ts'
import type { DeliveryDrivers } from '../../src/core/orders/delivery-driver.ts'
import { NumberBlocks } from '../../src/core/orders/number-blocks.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { openDatabase } from '../../src/db/database.ts'
import { simulatedDelivery } from '../../src/drivers/delivery/simulated-delivery.ts'
import { startDeliveryWorker } from '../../src/workers/delivery-worker.ts'
import { startRefillWorker } from '../../src/workers/refill-worker.ts'
import { startUnfoldWorker } from '../../src/workers/unfold-worker.ts'
import { newOrderCustomer, type OrderShop, openOrderShop } from './orders.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'
import { type Seeded, seeded } from './seeded.ts'

const PROCESSES = 3
const CUSTOMERS = 3
const CONNECTIONS = 8
const ENDED_WITHIN_MS = 180_000
/** Minutes at first, for what is delivered; then hours, for what expires after days. */
const QUICK_STEPS = 25
/** Longer and longer, so that on a slow machine work is done before its lease lapses. */
const STEP_MS = 250
const STEP_GROWS_MS = 10

export interface OrderProcess {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
  isDead(): boolean
  kill(): Promise<void>
  stop(): Promise<void>
}

export interface OrderWorld {
  readonly place: TestDatabase
  readonly shop: OrderShop
  readonly random: Seeded
  readonly customers: readonly KeyActor[]
  processes: OrderProcess[]
  /** How often what has happened. */
  readonly happened: Map<string, number>
  shiftedMs: number
}

export async function openOrderWorld(): Promise<OrderWorld> {
  const place = await testDatabase()
  const shop = await openOrderShop(openDatabase(place.connection, { connectWithinMs: 60_000 }))
  await shop.database.pool.query('update service set can_refill = true, refill_cooldown_hours = 0')
  const customers: KeyActor[] = []
  while (customers.length < CUSTOMERS) customers.push(await newOrderCustomer(shop))
  const world: OrderWorld = {
    place,
    shop,
    random: seeded(),
    customers,
    processes: [],
    happened: new Map(),
    shiftedMs: 0,
  }
  while (world.processes.length < PROCESSES) world.processes.push(startOrderProcess(world))
  return world
}

export async function closeOrderWorld(world: OrderWorld): Promise<void> {
  await Promise.all(world.processes.map((process) => process.stop()))
  await world.shop.database.close()
  await world.place.drop()
}

let started = 0

/** What a Purser does with orders, within this process: it can be killed at any moment. */
function startOrderProcess({ place, shop }: OrderWorld): OrderProcess {
  const applicationName = `orders ${++started}`
  const database = openDatabase(place.connection, { max: CONNECTIONS, applicationName })
  const funnel = { database, clock: shop.clock }
  const world = { pool: database.pool, clock: shop.clock }
  const drivers = new Map([['simulated', simulatedDelivery(world)]])
  let dead = false
  const error = (fields: { err?: unknown }, text?: string) => {
    if (!dead) assert.fail(`${text}: ${(fields.err as Error | undefined)?.stack}`)
  }
  const log = { warn: () => {}, error: error as () => void }
  const busy = () => false
  const numbers = new NumberBlocks(database.pool)
  const workers = [
    startDeliveryWorker({ funnel, drivers, log, busy, policyOf: () => undefined }),
    startUnfoldWorker({ funnel, drivers, numbers, log, busy }),
    startRefillWorker({ funnel, drivers, log }),
  ]
  const stopped = () => Promise.all(workers.map((worker) => worker.stop()))
  return {
    funnel,
    drivers,
    isDead: () => dead,
    async kill() {
      dead = true
      const closed = Promise.all([stopped(), database.close()])
      await terminate(place, applicationName)
      await closed
    },
    async stop() {
      await stopped()
      await database.close()
    },
  }
}

/** Ends the connections of a process that opens no new ones, until there are none. */
async function terminate(place: TestDatabase, applicationName: string): Promise<void> {
  const client = new pg.Client(place.connection)
  await client.connect()
  try {
    for (let gone = false; !gone; ) {
      const { rowCount } = await client.query(
        'select pg_terminate_backend(pid, 1000) from pg_stat_activity where application_name = $1',
        [applicationName],
      )
      gone = rowCount === 0
    }
  } finally {
    await client.end()
  }
}

/** Kills a process; whoever it served has no answer. Another takes its place. */
export async function killOne(world: OrderWorld): Promise<void> {
  const [victim, ...others] = world.processes
  world.processes = [...others, startOrderProcess(world)]
  note(world, 'kill')
  await victim!.kill()
}

export function note({ happened }: OrderWorld, what: string): void {
  happened.set(what, (happened.get(what) ?? 0) + 1)
}

export function timePasses(world: OrderWorld, ms: number): void {
  world.shiftedMs += ms
  world.shop.clock.shiftTo(world.shiftedMs)
}

/** The leases of whoever is gone, or merely slow, lapse as if 25 seconds had passed. */
export async function lapseLeases({ shop }: OrderWorld): Promise<void> {
  const { pool } = shop.database
  for (const table of ['service_order', 'refill_work']) {
    await pool.query(
      `update ${table} set lease_until = clock_timestamp(), look_at = $1
       where lease_until > clock_timestamp() and look_at is not null`,
      [shop.clock.now()],
    )
  }
}

/**
 * Does something as a process does; what is refused is noted. Whatever else goes wrong fails the
 * test, unless the process was killed meanwhile.
 */
export async function attempt<T>(
  world: OrderWorld,
  name: string,
  body: (process: OrderProcess) => Promise<T>,
): Promise<T | undefined> {
  const process = world.random.pick(world.processes)
  try {
    const result = await body(process)
    note(world, name)
    return process.isDead() ? undefined : result
  } catch (error) {
    if (process.isDead()) return undefined
    if (!(error instanceof Refusal)) throw error
    assert.notEqual(error.code, 'internal_error')
    note(world, `${name}: ${error.code}`)
    return undefined
  }
}

/** Lets time pass, without faults, until no order is open any more. */
export async function untilAllEnded(world: OrderWorld): Promise<void> {
  const { pool } = world.shop.database
  await pool.query('delete from simulated_fault')
  const deadline = Date.now() + ENDED_WITHIN_MS
  for (let step = 0; Date.now() < deadline; step++) {
    const { rows } = await pool.query<{ open: number }>(
      `select count(*)::integer as open from service_order where look_at is not null`,
    )
    if (rows[0]?.open === 0) return
    await lapseLeases(world)
    timePasses(world, step < QUICK_STEPS ? 120_000 : 3 * 3_600_000)
    await pause(STEP_MS + step * STEP_GROWS_MS)
  }
  const { rows } = await pool.query<{ order: string }>(
    'select row_to_json(o)::text as order from service_order o where o.look_at is not null',
  )
  assert.fail(`these never end: ${rows.map((row) => row.order).join('\n')}`)
}
