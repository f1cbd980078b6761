import type {
  CardGateway,
  ChargeAnswer,
  ChargeRequest,
} from '../../core/billing/paying/card-gateway.ts'
import { takeSimulatedFault } from '../simulated-faults.ts'
import type { SimulatedWorld } from '../simulated-world.ts'

/**
 * A gateway that is only pretended: every card has enough. Its world is the table simulated_charge,
 * where a charge that was declined stands with an amount of 0, so that it stays declined.
 */
export function simulatedCards(world: SimulatedWorld): CardGateway {
  return {
    async charge(request) {
      switch (await takeSimulatedFault(world.pool, 'charge')) {
        case 'refuse':
          return await answer(world, request, 0n)
        case 'error':
          throw new Error('the simulated gateway failed to charge')
        case 'timeout':
          await answer(world, request, request.amountMicros)
          throw new Error("the simulated gateway's answer to a charge was lost")
        case undefined:
          return await answer(world, request, request.amountMicros)
      }
    },
  }
}

const DECLINED = {
  kind: 'declined',
  reason: 'The simulated gateway was asked to refuse.',
} as const

/** What the first asking of this number has come to: `amountMicros` is for when this is it. */
async function answer(
  { pool, clock }: SimulatedWorld,
  { chargeId, cardRef, currency }: ChargeRequest,
  amountMicros: bigint,
): Promise<ChargeAnswer> {
  await pool.query(
    `insert into simulated_charge (charge_id, card_ref, amount, currency, created_at)
     values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [chargeId, cardRef, amountMicros, currency, clock.now()],
  )
  const { rows } = await pool.query<{ amount: bigint }>(
    'select amount from simulated_charge where charge_id = $1',
    [chargeId],
  )
  return rows[0]?.amount === 0n ? DECLINED : { kind: 'charged' }
}
