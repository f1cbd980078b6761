/** Orders that have been delivered and may be refilled, and the rows of their refills. */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { changed } from './operator.ts'
import type { PurserClient } from './purser.ts'
import { type Customer, injectFault, place, reach } from './shop.ts'

/** Service 1 refills for 30 days, a day after the last refill. */
export async function allowRefills(purser: PurserClient): Promise<void> {
  const terms = { can_refill: true, refill_days: 30, refill_cooldown_hours: 24 }
  await changed(purser, 'PATCH /services/1', terms)
}

const HANDED_WITHIN_MS = 120_000
const POLL_MS = 50

/** Places orders of service 1 and has the simulated provider complete them. */
export async function deliveredOrders(
  purser: PurserClient,
  customer: Customer,
  count: number,
): Promise<bigint[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const id = await place(customer, { service: 1, quantity: 1000 })
      const path = `/drivers/simulated/deliveries/${id}`
      const deadline = Date.now() + HANDED_WITHIN_MS
      while ((await purser.admin('PUT', path, { outcome: 'completed' })).status !== 200) {
        assert.ok(Date.now() < deadline, `order ${id} was not handed over`)
        await pause(POLL_MS)
      }
      await reach(purser, id, 'completed')
      return id
    }),
  )
}

/** The numbers of an order's refills, oldest first. */
export async function refillsOf(purser: PurserClient, order: bigint): Promise<bigint[]> {
  const { rows } = await purser.pool.query<{ id: bigint }>(
    'select id from refill where order_id = $1 order by id',
    [order],
  )
  return rows.map((row) => row.id)
}

/** Waits until a refill has come into `state`. */
export async function reachRefill(
  purser: PurserClient,
  id: bigint | string,
  state: string,
): Promise<void> {
  const deadline = Date.now() + HANDED_WITHIN_MS
  for (;;) {
    const { rows } = await purser.pool.query<{ state: string }>(
      'select state from refill where id = $1',
      [id],
    )
    if (rows[0]?.state === state) return
    assert.ok(Date.now() < deadline, `refill ${id} is ${rows[0]?.state}, not ${state}`)
    await pause(POLL_MS)
  }
}

/**
 * Has a refill made by `refill` stay Pending at the simulated provider, whatever time passes, and
 * from then on as it is told.
 */
export async function heldRefill(
  purser: PurserClient,
  refill: () => Promise<string>,
): Promise<{ id: string; begin(): Promise<void> }> {
  // Nobody learns how it goes before it is held.
  await injectFault(purser, { operation: 'refill_status', fault: 'error', times: 1_000_000 })
  const id = await refill()
  const hold = (startedAgo: string) =>
    purser.pool.query(
      `update simulated_refill
       set started_at = now() - $2::interval, ends_at = now() + interval '1 year'
       where refill_id = $1`,
      [id, startedAgo],
    )
  await hold('-1 year')
  await injectFault(purser, { operation: 'refill_status', fault: 'error', times: 0 })
  return {
    id,
    async begin() {
      await hold('1 hour')
      await reachRefill(purser, id, 'in_progress')
    },
  }
}
