import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertVerified } from '../../../../test/kit/assert-verified.ts'
import { openRefillDesk, refuses } from '../../../../test/kit/refill-desk.ts'
import { execute } from '../../execute.ts'
import type { DeliveryDriver } from '../delivery-driver.ts'
import { type SetRefillStateInput, setRefillState } from './set-refill-state.ts'

const desk = await openRefillDesk()
after(() => desk.close())
const { shop, driver, refillOne, taken, delivered, refillsOf, refillEvents, workerLooks } = desk

async function end(input: SetRefillStateInput): Promise<void> {
  const actor = { kind: 'operator', operatorId: 1n } as const
  await execute(shop.funnel, setRefillState, { actor, input, idempotencyKey: null })
}

test('what an operator says of a refill stays, whatever its deliveries make of it', async () => {
  const order = await delivered()
  const other = await delivered()
  const refillId = await taken(order)
  // As if it were of two deliveries, the other of which has been refilled.
  await shop.database.pool.query(
    `insert into refill_work (refill_id, order_id, provider, order_ref, ref, state, asked_at)
     values ($1, $2, 'simulated', $3, 'done', 'completed', now())`,
    [refillId, other, `sim-${other}`],
  )
  const slow: DeliveryDriver = {
    ...driver,
    refillStatus: async (refs) => {
      await end({ refillId, state: 'rejected' })
      return await driver.refillStatus(refs)
    },
  }
  await workerLooks(slow)
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  assert.deepEqual(await refillEvents(order), ['refill.requested', 'refill.rejected'])
  await shop.database.pool.query('delete from refill_work where order_id = $1', [other])
  await assertVerified(shop.database)
})

test('who asked for a refill that an operator has seen to meanwhile is told of it', async () => {
  const order = await delivered()
  const away: DeliveryDriver = { ...driver, refill: () => Promise.reject(new Error('away')) }
  await assert.rejects(refillOne(order, { driver: away }), refuses('provider_error'))
  const [refill] = await refillsOf(order)
  await end({ refillId: refill?.id ?? 0n, state: 'completed' })
  assert.equal(await refillOne(order), String(refill?.id))
  assert.equal(await refillOne(order), 'order_not_refillable')
  assert.deepEqual(await refillEvents(order), ['refill.completed', 'refill.requested'])
  await assertVerified(shop.database)
})
