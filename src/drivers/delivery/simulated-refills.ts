import type {
  DeliveryDriver,
  RefillAnswer,
  RefillRequest,
  RefillStatus,
} from '../../core/orders/delivery-driver.ts'
import type { SimulatedWorld } from '../simulated-world.ts'
import { faulty } from './faulty.ts'

const WAITING_MS = 2_000
const REFILL_MS = 10_000

/**
 * Refills by the provider that is only pretended. Its world is the table simulated_refill. A refill
 * waits a little, runs, and is completed after some ten seconds, unless it was asked to end
 * otherwise. What has not been delivered is not refilled.
 */
export function simulatedRefills(
  world: SimulatedWorld,
): Pick<DeliveryDriver, 'refill' | 'refillStatus'> {
  return {
    refill: (asked) =>
      faulty(world, 'refill', {
        work: () => refill(world, asked),
        refuse: () => asked.map(() => ASKED_TO_REFUSE),
      }),
    refillStatus: (refs) =>
      faulty(world, 'refill_status', {
        work: () => refillStatus(world, refs),
        refuse: () => new Map<string, RefillStatus>(),
      }),
  }
}

const ASKED_TO_REFUSE = {
  kind: 'refused',
  reason: 'The simulated provider was asked to refuse.',
} as const

export const SIMULATED_REFILL_OUTCOMES = ['completed', 'rejected', 'error'] as const
type SimulatedRefillOutcome = (typeof SIMULATED_REFILL_OUTCOMES)[number]

/** Ends a refill now, as asked. False where the simulated provider does not have it. */
export async function setSimulatedRefill(
  { pool, clock }: SimulatedWorld,
  refillId: bigint,
  outcome: SimulatedRefillOutcome,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update simulated_refill set outcome = $2, ends_at = least(ends_at, $3)
     where refill_id = $1`,
    [refillId, outcome, clock.now()],
  )
  return rowCount !== 0
}

async function refill(
  { pool, clock }: SimulatedWorld,
  asked: readonly RefillRequest[],
): Promise<readonly RefillAnswer[]> {
  const now = clock.now()
  const { rows } = await pool.query<{ at: bigint }>(
    `with asked as (
       select i.refill_id, i.order_id, i.at
       from rows from (unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[]))
         with ordinality as i (refill_id, order_id, order_ref, at)
       join simulated_delivery d on d.order_id = i.order_id
         and i.order_ref = 'sim-' || d.order_id
       where d.canceled_at is null and d.ends_at <= $4 and d.outcome in ('completed', 'partial')
     ), taken as (
       insert into simulated_refill (refill_id, order_id, started_at, ends_at)
       select refill_id, order_id, $4, $5 from asked order by refill_id, order_id
       on conflict do nothing
     )
     select at from asked`,
    [
      asked.map((each) => each.refillId),
      asked.map((each) => each.orderId),
      asked.map((each) => each.orderRef),
      now,
      new Date(now.getTime() + REFILL_MS),
    ],
  )
  const taken = new Set(rows.map((row) => Number(row.at)))
  return asked.map(({ refillId, orderId }, index) =>
    taken.has(index + 1)
      ? { kind: 'accepted', ref: `sim-refill-${refillId}-${orderId}` }
      : { kind: 'refused', reason: 'The simulated provider has not delivered it.' },
  )
}

const REF = /^sim-refill-(\d{1,18})-(\d{1,18})$/

async function refillStatus(
  { pool, clock }: SimulatedWorld,
  refs: readonly string[],
): Promise<ReadonlyMap<string, RefillStatus>> {
  const named = refs.flatMap((ref) => {
    const [, refillId, orderId] = REF.exec(ref) ?? []
    return refillId === undefined || orderId === undefined ? [] : [{ refillId, orderId }]
  })
  const { rows } = await pool.query<RefillRow>(
    `select r.refill_id, r.order_id, r.outcome, r.started_at, r.ends_at
     from rows from (unnest($1::bigint[]), unnest($2::bigint[])) as i (refill_id, order_id)
     join simulated_refill r on r.refill_id = i.refill_id and r.order_id = i.order_id`,
    [named.map((each) => each.refillId), named.map((each) => each.orderId)],
  )
  const now = clock.now()
  return new Map(
    rows.map((row) => [
      `sim-refill-${row.refill_id}-${row.order_id}`,
      { kind: 'known', state: stateAt(row, now) },
    ]),
  )
}

interface RefillRow {
  refill_id: bigint
  order_id: bigint
  outcome: SimulatedRefillOutcome
  started_at: Date
  ends_at: Date
}

function stateAt(row: RefillRow, at: Date): 'pending' | 'in_progress' | SimulatedRefillOutcome {
  if (at >= row.ends_at) return row.outcome
  return at.getTime() < row.started_at.getTime() + WAITING_MS ? 'pending' : 'in_progress'
}
