import { createHash } from 'node:crypto'
import type pg from 'pg'
import type {
  CancelAnswer,
  DeliveryDriver,
  DeliveryRequest,
  DeliveryStatus,
  SubmitAnswer,
} from '../../core/orders/delivery-driver.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { faulty } from './faulty.ts'
import { simulatedPosts } from './simulated-posts.ts'
import { simulatedRefills } from './simulated-refills.ts'

const WAITING_MS = 2_000
const DELIVERY_MS = 20_000
const START_COUNT_MAX = 50_000

/**
 * A provider that is only pretended. Its world is the table simulated_delivery. A delivery waits a
 * little, runs, and is completed after some twenty seconds, unless another outcome was asked for.
 */
export function simulatedDelivery(world: SimulatedWorld): DeliveryDriver {
  return {
    isIdempotent: true,
    revises: false,
    submit: (orders) =>
      faulty(world, 'submit', {
        work: () => submit(world, orders),
        refuse: () => new Map(orders.map((order) => [order.orderId, REFUSED])),
      }),
    status: (refs) =>
      faulty(world, 'status', {
        work: () => status(world, refs),
        refuse: () => new Map<string, DeliveryStatus>(),
      }),
    cancel: (refs) =>
      faulty(world, 'cancel', {
        work: () => cancel(world, refs),
        refuse: () => new Map(refs.map((ref) => [ref, REFUSED])),
      }),
    ...simulatedRefills(world),
    ...simulatedPosts(world),
  }
}

/** How a delivery is to end, and how much will have been delivered by then. */
export interface SimulatedOutcome {
  readonly outcome: 'completed' | 'partial' | 'failed' | 'canceled'
  readonly delivered: bigint
}

/**
 * Ends an order's delivery now, as asked; also one that has ended otherwise. False where the
 * simulated provider does not have the order (yet), or was told to cancel it.
 */
export async function setSimulatedOutcome(
  { pool, clock }: SimulatedWorld,
  orderId: bigint,
  end: SimulatedOutcome,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update simulated_delivery set outcome = $2, ends_at = least(ends_at, $4),
       delivered_in_the_end = case $2 when 'completed' then quantity else least($3, quantity) end
     where order_id = $1 and canceled_at is null`,
    [orderId, end.outcome, end.delivered, clock.now()],
  )
  return rowCount === 1
}

const REFUSED = { kind: 'refused', reason: 'The simulated provider was asked to refuse.' } as const

async function submit(
  { pool, clock }: SimulatedWorld,
  orders: readonly DeliveryRequest[],
): Promise<ReadonlyMap<bigint, SubmitAnswer>> {
  const now = clock.now()
  await pool.query(
    `insert into simulated_delivery (order_id, quantity, start_count, delivered_in_the_end,
       started_at, ends_at)
     select i.order_id, i.quantity, i.start_count, i.quantity, $4, $5
     from rows from (unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]))
       as i (order_id, quantity, start_count)
     order by i.order_id
     on conflict do nothing`,
    [
      orders.map((order) => order.orderId),
      orders.map((order) => order.quantity),
      orders.map((order) => startCount(order.orderId)),
      now,
      new Date(now.getTime() + DELIVERY_MS),
    ],
  )
  return new Map(
    orders.map(({ orderId }) => [
      orderId,
      { kind: 'accepted', ref: refOf(orderId), startCount: startCount(orderId) },
    ]),
  )
}

/** Some number that an order always gets, as if counted when it came. */
function startCount(orderId: bigint): bigint {
  const digest = createHash('sha256').update(String(orderId)).digest()
  return BigInt(digest.readUInt32BE(0) % START_COUNT_MAX)
}

const REF = /^sim-(\d{1,18})$/

function refOf(orderId: bigint): string {
  return `sim-${orderId}`
}

function idsOf(refs: readonly string[]): bigint[] {
  return refs.flatMap((ref) => {
    const digits = REF.exec(ref)?.[1]
    return digits === undefined ? [] : [BigInt(digits)]
  })
}

interface DeliveryRow {
  order_id: bigint
  quantity: bigint
  start_count: bigint
  outcome: SimulatedOutcome['outcome']
  delivered_in_the_end: bigint
  started_at: Date
  ends_at: Date
  canceled_at: Date | null
}

async function readRows(pool: pg.Pool, refs: readonly string[]): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>(
    `select order_id, quantity, start_count, outcome, delivered_in_the_end, started_at, ends_at,
       canceled_at
     from simulated_delivery where order_id = any ($1::bigint[])`,
    [idsOf(refs)],
  )
  return rows
}

async function status(
  { pool, clock }: SimulatedWorld,
  refs: readonly string[],
): Promise<ReadonlyMap<string, DeliveryStatus>> {
  const now = clock.now()
  const rows = await readRows(pool, refs)
  return new Map(
    rows.map((row) => {
      const at = row.canceled_at ?? now
      const state = stateAt(row, at)
      return [
        refOf(row.order_id),
        {
          kind: 'known',
          state: row.canceled_at === null ? state : 'canceled',
          startCount: row.start_count,
          remains: row.quantity - deliveredAt(row, at),
        },
      ]
    }),
  )
}

function stateAt(
  row: DeliveryRow,
  at: Date,
): 'pending' | 'in_progress' | SimulatedOutcome['outcome'] {
  if (at >= row.ends_at) return row.outcome
  return at.getTime() < row.started_at.getTime() + WAITING_MS ? 'pending' : 'in_progress'
}

/** Grows evenly from the end of the waiting to the end of the delivery. */
function deliveredAt(row: DeliveryRow, at: Date): bigint {
  if (at >= row.ends_at) return row.delivered_in_the_end
  const beginMs = row.started_at.getTime() + WAITING_MS
  const ranMs = at.getTime() - beginMs
  if (ranMs <= 0) return 0n
  return (row.delivered_in_the_end * BigInt(ranMs)) / BigInt(row.ends_at.getTime() - beginMs)
}

async function cancel(
  { pool, clock }: SimulatedWorld,
  refs: readonly string[],
): Promise<ReadonlyMap<string, CancelAnswer>> {
  await pool.query(
    `update simulated_delivery d set canceled_at = $2
     from (
       select order_id from simulated_delivery
       where order_id = any ($1::bigint[]) and canceled_at is null and ends_at > $2
       order by order_id for no key update
     ) running
     where d.order_id = running.order_id`,
    [idsOf(refs), clock.now()],
  )
  const rows = await readRows(pool, refs)
  return new Map(rows.map((row) => [refOf(row.order_id), cancelAnswer(row)]))
}

function cancelAnswer(row: DeliveryRow): CancelAnswer {
  if (row.canceled_at !== null) {
    return { kind: 'canceled', remains: row.quantity - deliveredAt(row, row.canceled_at) }
  }
  return row.outcome === 'canceled'
    ? { kind: 'canceled', remains: row.quantity - row.delivered_in_the_end }
    : { kind: 'refused', reason: 'The delivery has ended.' }
}
