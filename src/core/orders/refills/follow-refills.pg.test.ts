import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openRefillDesk, refuses } from '../../../../test/kit/refill-desk.ts'
import { setSimulatedOutcome } from '../../../drivers/delivery/simulated-delivery.ts'
import { execute } from '../../execute.ts'
import type { DeliveryDriver, RefillAnswer, RefillRequest } from '../delivery-driver.ts'
import { setRefillState } from './set-refill-state.ts'

const OPERATOR = { kind: 'operator', operatorId: 1n } as const
const HOUR_MS = 3_600_000
const desk = await openRefillDesk()
after(() => desk.close())
const { shop, driver, timePasses, refillOne, taken, hand, delivered } = desk
const { refillsOf, refillEvents, simulatedRefills, workerLooks } = desk

/** An order in parts that has ended, of which these parts have been delivered or not. */
async function inParts(states: readonly ('completed' | 'canceled')[]): Promise<bigint> {
  const { pool } = shop.database
  const whole = await delivered()
  await pool.query('update service_order set unfolds = true, provider_ref = null where id = $1', [
    whole,
  ])
  for (const [at, state] of states.entries()) {
    const part = { id: String(whole * 1_000n + BigInt(at)), parent_id: String(whole), part: at + 1 }
    const free = { charge: 0, list_charge: 0, unfolds: false, provider_ref: `sim-${part.id}` }
    await pool.query(
      `insert into service_order
       select (jsonb_populate_record(o, $2::jsonb)).* from service_order o where o.id = $1`,
      [whole, JSON.stringify({ ...part, ...free, state })],
    )
    await hand(BigInt(part.id))
    const end = { outcome: 'completed', delivered: 1_000n } as const
    await setSimulatedOutcome({ pool, clock: shop.clock }, BigInt(part.id), end)
  }
  return whole
}

async function forgetParts(whole: bigint): Promise<void> {
  await shop.database.pool.query('delete from service_order where parent_id = $1', [whole])
}

test('of an order in parts each that was delivered is refilled', async () => {
  const whole = await inParts(['completed', 'canceled', 'completed'])
  assert.equal(await refillOne(whole * 1_000n), 'order_not_found', 'nobody sees a part')
  const id = await taken(whole)
  const works = async () => {
    const { rows } = await shop.database.pool.query<{ order_id: bigint; state: string }>(
      'select order_id, state from refill_work where refill_id = $1 order by order_id',
      [id],
    )
    return rows.map((row) => `${row.order_id - whole * 1_000n} ${row.state}`)
  }
  assert.deepEqual(await works(), ['0 pending', '2 pending'])
  await shop.database.pool.query(
    `update simulated_refill set outcome = 'rejected', ends_at = $2 where order_id = $1`,
    [whole * 1_000n, shop.clock.now()],
  )
  // However slow the machine is, the other has not begun when it is looked at.
  await shop.database.pool.query(
    `update simulated_refill set started_at = started_at + interval '1 hour',
       ends_at = ends_at + interval '1 hour' where order_id = $1`,
    [whole * 1_000n + 2n],
  )
  await workerLooks()
  assert.deepEqual(await works(), ['0 rejected', '2 pending'])
  timePasses(HOUR_MS + 20_000)
  await workerLooks()
  assert.deepEqual(await works(), ['0 rejected', '2 completed'])
  assert.equal((await refillsOf(whole))[0]?.state, 'completed')
  await forgetParts(whole)
})

test('more parts than can be asked for at once are left to a worker', async () => {
  const whole = await inParts(Array.from({ length: 203 }, () => 'completed' as const))
  await taken(whole)
  assert.equal(await simulatedRefills(whole * 1_000n + 202n), 0)
  await workerLooks()
  assert.equal(await simulatedRefills(whole * 1_000n + 202n), 1)
  await forgetParts(whole)
})

test('a provider that may have it and refuses it when asked again leaves an error', async () => {
  const order = await delivered()
  let asked = 0
  const forgetful: DeliveryDriver = {
    ...driver,
    isIdempotent: false,
    refill: async (requests: readonly RefillRequest[]) => {
      if (asked++ === 0) throw new Error('the answer was lost')
      return requests.map(() => ({ kind: 'refused', reason: 'There is one already.' }))
    },
  }
  await assert.rejects(refillOne(order, { driver: forgetful }), refuses('provider_error'))
  await workerLooks(forgetful)
  const [row] = await refillsOf(order)
  assert.equal(row?.state, 'error')
  const { rows } = await shop.database.pool.query<{ subject: string }>(
    `select subject from notice where kind = 'refill.error'`,
  )
  assert.deepEqual(rows, [{ subject: `refill ${row?.id}` }])
})

test('a provider that is asked once may refuse, be it idempotent or not', async () => {
  const order = await delivered()
  const answers: RefillAnswer[] = [{ kind: 'later' }, { kind: 'refused', reason: 'No drop.' }]
  const blunt: DeliveryDriver = {
    ...driver,
    isIdempotent: false,
    refill: async (requests: readonly RefillRequest[]) => {
      const [answer = { kind: 'refused', reason: 'No drop.' }] = answers.splice(0, 1)
      return requests.map(() => answer)
    },
  }
  await assert.rejects(refillOne(order, { driver: blunt }), refuses('provider_error'))
  assert.equal(await refillOne(order, { driver: blunt }), 'order_not_refillable', 'not heard of')
  assert.deepEqual([await refillsOf(order), await refillEvents(order)], [[], []])
  assert.equal(await refillOne(order, { driver: blunt }), 'order_not_refillable')
  assert.deepEqual([await refillsOf(order), await refillEvents(order)], [[], []])
})

test('a refill that nobody takes, or that never ends, is given up', async () => {
  const order = await delivered()
  const silent: DeliveryDriver = {
    ...driver,
    refill: () => Promise.reject(new Error('away')),
    refillStatus: async () => new Map(),
  }
  await assert.rejects(refillOne(order, { driver: silent }), refuses('provider_error'))
  await workerLooks(silent)
  assert.equal((await refillsOf(order))[0]?.state, 'pending')
  timePasses(25 * HOUR_MS)
  await workerLooks(silent)
  assert.equal((await refillsOf(order))[0]?.state, 'error')
})

test('the operator ends what nobody follows', async () => {
  const order = await delivered()
  const refillId = await taken(order, { actor: OPERATOR })
  const call = { actor: OPERATOR, idempotencyKey: null }
  const input = { refillId, state: 'rejected' } as const
  await execute(shop.funnel, setRefillState, { ...call, input })
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  timePasses(20_000)
  await workerLooks()
  assert.equal((await refillsOf(order))[0]?.state, 'rejected')
  await assert.rejects(
    execute(shop.funnel, setRefillState, { ...call, input }),
    refuses('invalid_state'),
  )
})
