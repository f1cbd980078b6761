import { sql } from 'kysely'
import type { Db } from '../../../db/database.ts'
import { SYSTEM } from '../../actor.ts'
import { execute } from '../../execute.ts'
import type { Operation } from '../../operation.ts'
import { isUnavailable } from '../../refusal.ts'
import { payAgainAt } from './pay-again.ts'
import type { PayOutcome } from './payment.ts'
import type { PaymentDesk } from './payment-desk.ts'
import { lockPurchases, postponePurchases } from './payment-store.ts'

const FAILED: ReadonlySet<PayOutcome['kind']> = new Set([
  'insufficient_funds',
  'not_renewable',
  'credit_kept',
])

/** What is not decided, or cannot be, is looked at again after this: others have their turn. */
const LOOK_AGAIN_MS = 300_000

/**
 * Pays purchases that are to be paid by themselves now, from the wallet and then the saved card,
 * the longest due first. One that cannot be paid is tried again a day later, seven times at the
 * most. Returns how many were due. Where some could not be written it throws, after the others.
 */
export async function payDuePurchases(desk: PaymentDesk, o: { limit: number }): Promise<number> {
  const { funnel } = desk.deps
  const due = await findDue(funnel.database.db, { now: funnel.clock.now(), limit: o.limit })
  const failed: bigint[] = []
  const undecided: bigint[] = []
  const errors: unknown[] = []
  await Promise.all(
    due.map(async (id) => {
      try {
        const kind = await payOne(desk, id)
        if (FAILED.has(kind)) failed.push(id)
        if (kind === 'settling') undecided.push(id)
      } catch (error) {
        undecided.push(id)
        errors.push(error)
        const about = { purchase: String(id), err: error }
        if (!isUnavailable(error)) desk.deps.log.warn(about, 'a purchase could not be paid')
      }
    }),
  )
  if (failed.length + undecided.length > 0) {
    const input = { failed, undecided }
    await execute(funnel, postponePayments, { actor: SYSTEM, input, idempotencyKey: null })
  }
  if (errors.length > 0) throw errors[0]
  return due.length
}

async function payOne(desk: PaymentDesk, id: bigint): Promise<PayOutcome['kind']> {
  const call = {
    actor: SYSTEM,
    input: { purchaseIds: [id], mayUseCard: true },
    idempotencyKey: null,
  }
  // Another process may have tried it since it was found due.
  const { output } = await desk.pay(call, { once: true, onlyDue: true })
  return output[0]!.outcome.kind
}

async function findDue(db: Db, o: { now: Date; limit: number }): Promise<bigint[]> {
  // Only what awaits payment has a pay_at: a second condition would cost the index its order.
  const { rows } = await sql<{ id: bigint }>`
    select id from purchase
    where pay_at <= ${o.now}::timestamptz
    order by pay_at limit ${o.limit}`.execute(db)
  return rows.map((row) => row.id)
}

interface Postponed {
  /** Could not be paid: a try is counted. */
  readonly failed: readonly bigint[]
  readonly undecided: readonly bigint[]
}

/** Puts off what could not be paid; not what was changed, paid or put off meanwhile. */
const postponePayments: Operation<Postponed, null> = {
  name: 'purchase.postpone',
  permission: 'system',
  async run({ tx, now, record }, input) {
    const ids = [...input.failed, ...input.undecided]
    const purchases = await lockPurchases(tx, { ids, accountIds: null })
    const lookAgainAt = new Date(now.getTime() + LOOK_AGAIN_MS)
    const failed = new Set(input.failed)
    const postponed = [...purchases.values()].flatMap((purchase) => {
      const { id: purchaseId, state, payAt, payAttempts } = purchase
      if (state !== 'awaiting_payment' || payAt === null || payAt > now) return []
      return failed.has(purchaseId)
        ? [{ purchaseId, payAt: payAgainAt(purchase, now), payAttempts: payAttempts + 1 }]
        : [{ purchaseId, payAt: lookAgainAt, payAttempts }]
    })
    await postponePurchases(tx, { postponed, now })
    for (const { purchaseId, payAttempts } of postponed) {
      if (!failed.has(purchaseId)) continue
      record({
        kind: 'purchase.payment_failed',
        subjectId: purchaseId,
        accountId: purchases.get(purchaseId)!.accountId,
        data: { attempt: payAttempts },
      })
    }
    return null
  },
}
