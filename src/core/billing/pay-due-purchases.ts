import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { SYSTEM } from '../actor.ts'
import { execute } from '../execute.ts'
import type { Operation } from '../operation.ts'
import { payAgainAt } from './pay-again.ts'
import type { PayOutcome } from './payment.ts'
import type { PaymentDesk } from './payment-desk.ts'
import { lockPurchases, postponePurchases } from './payment-store.ts'

const FAILED: ReadonlySet<PayOutcome['kind']> = new Set([
  'insufficient_funds',
  'not_renewable',
  'credit_kept',
])

/**
 * Pays purchases that are to be paid by themselves now, from the wallet and then the saved card,
 * the longest due first. One that cannot be paid is tried again a day later, seven times at the
 * most. Returns how many were due.
 */
export async function payDuePurchases(desk: PaymentDesk, o: { limit: number }): Promise<number> {
  const { funnel } = desk.deps
  const due = await findDue(funnel.database.db, { now: funnel.clock.now(), limit: o.limit })
  const failed: bigint[] = []
  const ended = await Promise.allSettled(
    due.map(async (id) => {
      const input = { purchaseIds: [id], mayUseCard: true }
      const call = { actor: SYSTEM, input, idempotencyKey: null }
      // Another process may have tried it since it was found due.
      const terms = { once: true, onlyDue: true }
      const { output } = await desk.pay(call, terms)
      if (output.some(({ outcome }) => FAILED.has(outcome.kind))) failed.push(id)
    }),
  )
  if (failed.length > 0) {
    const input = { purchaseIds: failed }
    await execute(funnel, postponePayments, { actor: SYSTEM, input, idempotencyKey: null })
  }
  const failure = ended.find((one) => one.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return due.length
}

async function findDue(db: Db, o: { now: Date; limit: number }): Promise<bigint[]> {
  // Only what awaits payment has a pay_at: a second condition would cost the index its order.
  const { rows } = await sql<{ id: bigint }>`
    select id from purchase
    where pay_at <= ${o.now}::timestamptz
    order by pay_at limit ${o.limit}`.execute(db)
  return rows.map((row) => row.id)
}

/** Puts off what could not be paid; not what was changed, paid or put off meanwhile. */
const postponePayments: Operation<{ purchaseIds: readonly bigint[] }, null> = {
  name: 'purchase.postpone',
  permission: 'system',
  async run({ tx, now, record }, { purchaseIds }) {
    const purchases = await lockPurchases(tx, { ids: purchaseIds, accountIds: null })
    const failed = [...purchases.values()].filter(
      ({ state, payAt }) => state === 'awaiting_payment' && payAt !== null && payAt <= now,
    )
    const postponed = failed.map((purchase) => ({
      purchaseId: purchase.id,
      payAt: payAgainAt(purchase, now),
    }))
    await postponePurchases(tx, { postponed, now })
    for (const { id, accountId, payAttempts } of failed) {
      record({
        kind: 'purchase.payment_failed',
        subjectId: id,
        accountId,
        data: { attempt: payAttempts + 1 },
      })
    }
    return null
  },
}
