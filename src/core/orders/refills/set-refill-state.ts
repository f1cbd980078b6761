import type { Operation } from '../../operation.ts'
import { Refusal } from '../../refusal.ts'
import { isOpen, type RefillState } from './refill.ts'
import { endWorks, lockRefills } from './refill-store.ts'
import { writeRefill } from './write-heard.ts'

export interface SetRefillStateInput {
  readonly refillId: bigint
  readonly state: Exclude<RefillState, 'pending' | 'in_progress'>
}

/**
 * The operator says how a refill has ended; its providers are asked no more. Refuses
 * `refill_not_found`, and `invalid_state` where it has ended.
 */
export const setRefillState: Operation<SetRefillStateInput, { id: string; state: RefillState }> = {
  name: 'refill.set_state',
  permission: 'operator',
  async run(context, { refillId, state }) {
    const refill = (await lockRefills(context.tx, [refillId])).get(refillId)
    if (refill === undefined) throw new Refusal('refill_not_found')
    if (!isOpen(refill.state)) {
      throw new Refusal('invalid_state', { detail: `The refill is ${refill.state} already.` })
    }
    await endWorks(context.tx, refillId, state)
    await writeRefill(context, refill, { state, answeredNow: false })
    return { id: String(refillId), state }
  },
}
