/** Deliveries of the simulated provider that do not go on by themselves, however slow a test is. */
import type { PurserClient } from './purser.ts'
import { type OrderRow, reach } from './shop.ts'

/** Has the simulated provider deliver nothing of an order for a year, also of one to come. */
export async function holdPending(purser: PurserClient, id: bigint): Promise<void> {
  await beginAt(purser, id, '1 year')
}

/** Waits until an order is in progress, and has it stay so until it is told otherwise. */
export async function keepInProgress(purser: PurserClient, id: bigint): Promise<OrderRow> {
  await beginAt(purser, id, '-1 hour')
  return await reach(purser, id, 'in_progress')
}

async function beginAt(purser: PurserClient, id: bigint, from: string): Promise<void> {
  await purser.pool.query(
    `insert into simulated_delivery (order_id, quantity, start_count, delivered_in_the_end,
       started_at, ends_at)
     select id, quantity, 0, quantity, now() + $2::interval, now() + interval '2 years'
     from service_order where id = $1
     on conflict (order_id) do update
       set started_at = excluded.started_at, ends_at = excluded.ends_at`,
    [id, from],
  )
}
