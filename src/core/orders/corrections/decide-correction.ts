import { actorId } from '../../actor.ts'
import { settleNotices } from '../../notices/raise-notice.ts'
import type { Operation, OperationContext } from '../../operation.ts'
import { Refusal } from '../../refusal.ts'
import { refundOrder } from '../refund-order.ts'
import { CORRECTION_NOTICE, type Correction, correctionSubject } from './correction.ts'
import { decideCorrection } from './correction-store.ts'
import { readCorrected, readCorrection } from './correction-views.ts'

export interface ConfirmCorrectionInput {
  readonly correctionId: bigint
  /** In micros; null: what the correction comes to. */
  readonly amountMicros: bigint | null
  readonly reason: string
}

/**
 * The operator gives back what a provider says that it did not deliver after all; the order keeps
 * its state. Refuses `not_found`, `invalid_input`, `invalid_state` where it has been decided, and
 * `refund_exceeds_charge` where that much is not left of the charge.
 */
export const confirmCorrection: Operation<ConfirmCorrectionInput, Correction> = {
  name: 'correction.confirm',
  permission: 'operator',
  async run(context, { correctionId, amountMicros, reason }) {
    const open = await readCorrection(context.tx, correctionId)
    if (open.state !== 'open') throw decidedBefore()
    await refundOrder.run(context, {
      orderId: BigInt(open.orderId),
      amountMicros: amountMicros ?? BigInt(open.amountMicros),
      reason,
    })
    return await decide(context, correctionId, 'confirmed')
  },
}

/**
 * The operator does not believe it, or has settled it otherwise: nothing is given back. Refuses
 * `not_found`, and `invalid_state` where it has been decided.
 */
export const dismissCorrection: Operation<{ correctionId: bigint }, Correction> = {
  name: 'correction.dismiss',
  permission: 'operator',
  run: (context, { correctionId }) => decide(context, correctionId, 'dismissed'),
}

async function decide(
  context: OperationContext,
  id: bigint,
  state: 'confirmed' | 'dismissed',
): Promise<Correction> {
  const { tx, actor, now } = context
  const { deliveryId, wholeId, accountId } = await readCorrected(tx, id)
  const decided = await decideCorrection(tx, { id, state, decidedBy: actorId(actor), now })
  if (!decided) throw decidedBefore()
  context.record({
    kind: `order.correction_${state}`,
    subjectId: wholeId,
    accountId,
    data: { correction: String(id) },
  })
  const subjects = [correctionSubject(deliveryId)]
  await settleNotices(context, { kind: CORRECTION_NOTICE, subjects })
  return await readCorrection(tx, id)
}

function decidedBefore(): Refusal {
  return new Refusal('invalid_state', { detail: 'The correction has been decided.' })
}
