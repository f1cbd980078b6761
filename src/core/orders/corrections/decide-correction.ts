import type { Tx } from '../../../db/database.ts'
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
 * its state. Refuses `not_found`, `invalid_input`, `invalid_state` where it has been decided,
 * `conflict` where its provider says something else just now, and `refund_exceeds_charge` where
 * that much is not left of the charge.
 */
export const confirmCorrection: Operation<ConfirmCorrectionInput, Correction> = {
  name: 'correction.confirm',
  permission: 'operator',
  async run(context, { correctionId, amountMicros, reason }) {
    const open = await readOpen(context.tx, correctionId)
    await refundOrder.run(context, {
      orderId: BigInt(open.orderId),
      amountMicros: amountMicros ?? BigInt(open.amountMicros),
      reason,
    })
    return await decide(context, open, 'confirmed')
  },
}

/**
 * The operator does not believe it, or has settled it otherwise: nothing is given back. Refuses
 * `not_found`, `invalid_state` where it has been decided, and `conflict` as confirming does.
 */
export const dismissCorrection: Operation<{ correctionId: bigint }, Correction> = {
  name: 'correction.dismiss',
  permission: 'operator',
  async run(context, { correctionId }) {
    return await decide(context, await readOpen(context.tx, correctionId), 'dismissed')
  },
}

async function readOpen(tx: Tx, id: bigint): Promise<Correction> {
  const correction = await readCorrection(tx, id)
  if (correction.state === 'open') return correction
  throw new Refusal('invalid_state', { detail: 'The correction has been decided.' })
}

async function decide(
  context: OperationContext,
  seen: Correction,
  state: 'confirmed' | 'dismissed',
): Promise<Correction> {
  const { tx, actor, now } = context
  const id = BigInt(seen.id)
  const { deliveryId, wholeId, accountId } = await readCorrected(tx, id)
  const decided = await decideCorrection(tx, {
    id,
    state,
    seen: { remains: BigInt(seen.remains), amountMicros: BigInt(seen.amountMicros) },
    decidedBy: actorId(actor),
    now,
  })
  if (!decided) {
    // Somebody decided it, or its provider said something else: nobody has looked at that yet.
    await readOpen(tx, id)
    throw new Refusal('conflict', { detail: 'The correction has just changed: look again.' })
  }
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
