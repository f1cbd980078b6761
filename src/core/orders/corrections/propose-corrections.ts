import { scaleDown } from '../../../lib/money.ts'
import { raiseNotices } from '../../notices/raise-notice.ts'
import type { OperationContext } from '../../operation.ts'
import { CORRECTION_NOTICE, correctionSubject } from './correction.ts'
import { type Delivery, readDeliveries, upsertCorrections } from './correction-store.ts'

/** What a provider says now of a delivery that it had said to be done. */
export interface Revision {
  /** The order, or the part of one. */
  readonly orderId: bigint
  readonly state: 'partial' | 'canceled' | 'failed'
  /** What was not delivered after all; null where it does not say. */
  readonly remains: bigint | null
}

/**
 * Providers take back what they said: for the operator to confirm or dismiss, as the orders have
 * ended and stay as they are. A delivery has one open correction, which holds the last word on it;
 * what was decided before is not proposed again, only what is missing beyond it.
 *
 * Locks no order: what may still be given back is checked when it is confirmed. Answers how many
 * corrections were opened or changed.
 */
export async function proposeCorrections(
  context: OperationContext,
  revisions: readonly Revision[],
): Promise<number> {
  const deliveries = await readDeliveries(
    context.tx,
    revisions.map((revision) => revision.orderId),
  )
  const drafts = revisions.flatMap((revision) => {
    const delivery = deliveries.get(revision.orderId)
    const draft = delivery && draftOf(delivery, revision)
    return draft ?? []
  })
  const written = await upsertCorrections(context, drafts)
  const notices = written.map(({ id, delivery, remains, amountMicros }) => {
    const { wholeId: subjectId, accountId } = delivery
    const data = { remains: String(remains), amount_micros: String(amountMicros) }
    context.record({
      kind: 'order.correction_proposed',
      subjectId,
      accountId,
      data: { correction: String(id), ...data },
    })
    const subject = correctionSubject(delivery.id)
    return { kind: CORRECTION_NOTICE, subject, accountId, data }
  })
  await raiseNotices(context, notices)
  return written.length
}

function draftOf(delivery: Delivery, { state, remains: said }: Revision) {
  const { quantity, knownRemains, wholeCharge, wholeQuantity, wholeRefunded } = delivery
  // Who gives up, or was stopped, and does not say how far it came, has delivered nothing.
  const reported = said ?? (state === 'partial' ? 0n : quantity)
  const remains = reported < quantity ? reported : quantity
  if (remains <= knownRemains) return undefined
  const share = (undelivered: bigint) => scaleDown(wholeCharge, undelivered, wholeQuantity)
  let amountMicros = share(remains) - share(knownRemains)
  const left = wholeCharge - wholeRefunded
  if (amountMicros > left) amountMicros = left
  return amountMicros > 0n ? { delivery, state, remains, amountMicros } : undefined
}
