import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { SYSTEM } from '../actor.ts'
import { execute, translateOutage } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { OrderDesk } from './order-desk.ts'
import { readPartPlan } from './parts/part-plan.ts'

/** How long whoever orders waits for the provider's word. */
const PATIENCE_MS = 15_000
const FIRST_LOOK_MS = 50
const LOOK_MAX_MS = 1_000

/**
 * Waits until the provider of an order that was just made has taken it, where its service says so.
 * Refuses `provider_error` where it has refused: the order has failed and is refunded, and its
 * idempotency key is free for the next try. Where nobody knows within fifteen seconds, the order is
 * in hand like any other. What the service says is read beside the order: a process that has not
 * yet heard of the service, or of its change, answers a repeat no sooner than another.
 */
export async function awaitProvider(
  desk: OrderDesk,
  order: { readonly id: bigint; readonly createdAt: Date },
): Promise<void> {
  // A repeat that comes later finds an order that was answered.
  const endMs = order.createdAt.getTime() + PATIENCE_MS
  for (let lookMs = FIRST_LOOK_MS; desk.clock.now().getTime() < endMs; ) {
    const seen = await translateOutage(() => standingOf(desk.db, order.id))
    if (seen.refused) {
      const call = { actor: SYSTEM, input: { orderId: order.id }, idempotencyKey: null }
      await execute(desk.funnel, freeOrderKey, call)
      throw new Refusal('provider_error')
    }
    if (seen.settled) return
    await pause(lookMs)
    lookMs = Math.min(lookMs * 2, LOOK_MAX_MS)
  }
}

interface Standing {
  readonly refused: boolean
  readonly settled: boolean
}

/** `settled`: there is nothing more to wait for; the provider has it, or nobody knows. */
async function standingOf(db: Db, id: bigint): Promise<Standing> {
  const { rows } = await sql<
    Standing & { confirmed: boolean; unfolds: boolean; params: unknown; quantity: bigint }
  >`
    select o.state = 'failed' and o.provider_ref is null as refused,
      o.state <> 'pending' or o.provider_ref is not null or o.unconfirmed_at is not null as settled,
      s.confirm_first as confirmed, o.unfolds, o.params, o.quantity
    from service_order o join service s on s.id = o.service_id
    where o.id = ${id}`.execute(db)
  const order = rows[0]
  if (order === undefined) throw new Error(`order ${id} is missing`)
  return order.confirmed && isDueNow(order) ? order : { refused: false, settled: true }
}

/** Where an order follows posts, its provider has nothing to take before there are some. */
function isDueNow(order: { unfolds: boolean; params: unknown; quantity: bigint }): boolean {
  return !order.unfolds || readPartPlan(order).kind === 'drip'
}

/** Takes the idempotency key off an order that its provider has refused to take. */
const freeOrderKey: Operation<{ orderId: bigint }, { freed: boolean }> = {
  name: 'order.free_key',
  permission: 'system',
  async run({ tx }, { orderId }) {
    const { numUpdatedRows } = await tx
      .updateTable('service_order')
      .set({ idempotency_key: null, request_hash: null })
      .where('id', '=', orderId)
      .where('state', '=', 'failed')
      .where('provider_ref', 'is', null)
      .executeTakeFirstOrThrow()
    return { freed: numUpdatedRows > 0n }
  },
}
