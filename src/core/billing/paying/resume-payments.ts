import { randomUUID } from 'node:crypto'
import { SYSTEM } from '../../actor.ts'
import { execute } from '../../execute.ts'
import type { Operation } from '../../operation.ts'
import { isUnavailable } from '../../refusal.ts'
import { claimPendingCharges } from './charge-operations.ts'
import type { PaymentDesk } from './payment-desk.ts'
import { claimProcessing, readPayableLines, type StoredPurchase } from './payment-store.ts'

/**
 * Goes on with payments whose process is gone, or has let go of them: cards are charged and
 * providers asked again until it is known what became of them. Any number of processes may do it.
 * Returns how many were taken up. Where some could not be written it throws, after the others.
 */
export async function resumePayments(desk: PaymentDesk, o: { limit: number }): Promise<number> {
  const { funnel } = desk.deps
  const claim = { actor: SYSTEM, input: { limit: o.limit }, idempotencyKey: null }
  const { output: charged } = await execute(funnel, claimPendingCharges, claim)
  const { output: held } = await execute(funnel, claimPurchases, claim)
  const ids = held.purchases.map(({ id }) => id)
  const lines = ids.length === 0 ? new Map() : await readPayableLines(funnel.database.db, ids)
  const untilMs = performance.now()
  /** Says of which payment it was that something went wrong. */
  const named = async (about: object, body: () => Promise<unknown>) => {
    try {
      await desk.keepGoing(body())
    } catch (err) {
      const message = 'a payment could not be gone on with'
      if (!isUnavailable(err)) desk.deps.log.warn({ ...about, err }, message)
      throw err
    }
  }
  const ended = await Promise.allSettled([
    ...charged.charges.map((charge) =>
      named({ charge: String(charge.id) }, () =>
        desk.steps.charge(SYSTEM, { charge, lease: charged.lease }, untilMs),
      ),
    ),
    ...held.purchases.map((purchase) => {
      const reserved = { purchase, lines: lines.get(purchase.id) ?? [], lease: held.lease }
      return named({ purchase: String(purchase.id) }, () =>
        desk.steps.finish(SYSTEM, reserved, untilMs),
      )
    }),
  ])
  const failure = ended.find((one) => one.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return ended.length
}

const claimPurchases: Operation<
  { limit: number },
  { purchases: readonly StoredPurchase[]; lease: string }
> = {
  name: 'purchase.claim',
  permission: 'system',
  async run({ tx, now }, { limit }) {
    const lease = randomUUID()
    return { purchases: await claimProcessing(tx, { lease, now, limit }), lease }
  },
}
