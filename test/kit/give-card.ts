import { SYSTEM } from '../../src/core/actor.ts'
import { saveCard } from '../../src/core/billing/cards/save-card.ts'
import { execute, type Funnel } from '../../src/core/execute.ts'

/** Saves a card of an account that the simulated gateway charges. */
export async function giveCard(funnel: Funnel, accountId: bigint): Promise<void> {
  const card = { gateway: 'simulated', gatewayRef: `card-${accountId}`, brand: 'visa' }
  await execute(funnel, saveCard(new Set(['simulated'])), {
    actor: SYSTEM,
    input: { accountId, ...card, lastFour: '4242' },
    idempotencyKey: null,
  })
}
