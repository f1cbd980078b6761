import type { Tx } from '../../db/database.ts'
import {
  type BatchContext,
  type BatchedCall,
  type BatchOperation,
  keyText,
} from '../execute-batch.ts'
import { freeKeys } from '../forget-effects.ts'
import { releaseHolds, settleHolds } from '../ledger/holds.ts'
import { resumePaidServers } from '../servers/resume-paid-servers.ts'
import type { BillingTerms } from './billing-terms.ts'
import { payAgainAt } from './pay-again.ts'
import {
  findKeysInUse,
  finishPurchases,
  letGoOfPurchases,
  lockPurchases,
  type PayableLine,
  reopenPurchases,
  type StoredPurchase,
} from './payment-store.ts'
import type { ReservedPurchase } from './reserve-payments.ts'
import { extendSubscriptions, insertPeriods, payInvoices } from './settle-store.ts'
import { splitPurchase, sumsOf } from './split-purchase.ts'

/** What the provider has said for good of a server. */
export type Verdict = 'done' | 'refused'

/** The second half of paying one purchase. */
export interface SettleInput {
  readonly reserved: ReservedPurchase
  /** By server. Where one is missing the provider has to be asked again, by whoever is next. */
  readonly verdicts: ReadonlyMap<bigint, Verdict>
}

export type Settlement =
  | 'paid'
  | 'reversed'
  /** Not yet known; the purchase was let go of. */
  | 'settling'
  /** Somebody else has it, or has settled it. */
  | 'lost'

/** A purchase that ends now, with the lines of it that were done and those that were refused. */
interface Ending {
  readonly call: BatchedCall<SettleInput>
  readonly purchase: StoredPurchase
  readonly done: readonly PayableLine[]
  readonly refused: readonly PayableLine[]
}

/**
 * Settles purchases by what their providers said: paid, open again, or split where some servers
 * were renewed and others refused. Nothing happens to one that is no longer its lease's.
 */
export function settlePayments(terms: BillingTerms): BatchOperation<SettleInput, Settlement> {
  return {
    name: 'purchase.settle',
    permission: 'write:billing',
    sameness: ({ reserved }) => reserved.purchase.id,
    accountsOf: async (_db, inputs) => [
      ...new Set(inputs.map(({ reserved }) => reserved.purchase.accountId)),
    ],
    async run(context, calls) {
      const ids = calls.map(({ input }) => input.reserved.purchase.id)
      const purchases = await lockPurchases(context.tx, ids)
      const settlements: Settlement[] = []
      const endings: Ending[] = []
      const open = new Map<string, bigint[]>()
      for (const call of calls) {
        const { purchase, lease } = call.input.reserved
        const stored = purchases.get(purchase.id)
        if (stored?.state !== 'processing' || stored.leaseWorker !== lease) {
          settlements.push('lost')
          continue
        }
        const ending = judge(call, stored)
        if (ending === undefined) {
          open.set(lease, [...(open.get(lease) ?? []), stored.id])
          settlements.push('settling')
        } else {
          endings.push(ending)
          settlements.push(ending.done.length > 0 ? 'paid' : 'reversed')
        }
      }
      for (const [lease, letGo] of open) {
        await letGoOfPurchases(context.tx, { ids: letGo, lease, now: context.now })
      }
      await pay(
        context,
        terms,
        endings.filter(({ done }) => done.length > 0),
      )
      await reverse(
        context,
        endings.filter(({ done }) => done.length === 0),
      )
      return settlements.map((output) => ({ output }))
    },
  }
}

/** Undefined while the provider has not said it of every server. */
function judge(call: BatchedCall<SettleInput>, purchase: StoredPurchase): Ending | undefined {
  const { reserved, verdicts } = call.input
  const { lines } = reserved
  if (lines.some((line) => !verdicts.has(line.serverId))) return undefined
  const by = Map.groupBy(lines, (line) => verdicts.get(line.serverId)!)
  return { call, purchase, done: by.get('done') ?? [], refused: by.get('refused') ?? [] }
}

async function pay(
  context: BatchContext,
  terms: BillingTerms,
  endings: readonly Ending[],
): Promise<void> {
  if (endings.length === 0) return
  const { tx, now } = context
  for (const ending of endings) {
    if (ending.refused.length > 0) await split(context, ending)
  }
  const priced = endings.map((ending) => ({ ...ending, ...sumsOf(ending.done) }))
  const held = priced.filter(({ purchase }) => purchase.holdId !== null)
  await settleHolds(
    context,
    held
      .filter(({ grossMicros }) => grossMicros > 0n)
      .map(({ purchase, netMicros, grossMicros }) => ({
        holdId: purchase.holdId!,
        amountMicros: grossMicros,
        taxMicros: grossMicros - netMicros,
      })),
  )
  await releaseHolds(
    context,
    held.filter(({ grossMicros }) => grossMicros === 0n).map(({ purchase }) => purchase.holdId!),
  )
  await finishPurchases(tx, { ids: endings.map(({ purchase }) => purchase.id), now })
  const lines = endings.flatMap(({ done }) => done)
  await extendSubscriptions(tx, { lines, terms, now })
  await insertPeriods(tx, { lines, now })
  await resume(context, endings)
  for (const { call, purchase, done } of endings) {
    const { accountId } = purchase
    call.record({ kind: 'purchase.paid', subjectId: purchase.id, accountId })
    for (const line of done) {
      call.record({
        kind: 'subscription.renewed',
        subjectId: line.subscriptionId,
        accountId,
        data: {
          from: line.periodFrom.toISOString(),
          to: line.periodTo.toISOString(),
          purchase: String(purchase.id),
        },
      })
    }
  }
  const purchaseIds = priced
    .filter(({ grossMicros }) => grossMicros > 0n)
    .map(({ purchase }) => purchase.id)
  if (purchaseIds.length > 0) context.last(() => payInvoices(tx, { purchaseIds, now }))
}

/** Each server is resumed in the name of whoever has paid for it. */
async function resume({ tx, now }: BatchContext, endings: readonly Ending[]): Promise<void> {
  const calls = new Map(
    endings.flatMap(({ call, done }) => done.map((line) => [line.serverId, call] as const)),
  )
  await resumePaidServers(
    { tx, now, record: (event) => calls.get(event.subjectId)?.record(event) },
    [...calls.keys()],
  )
}

async function split({ tx, now }: BatchContext, ending: Ending): Promise<void> {
  const { call, purchase } = ending
  const { accountId } = purchase
  const refusedId = await splitPurchase(tx, {
    purchase,
    parts: ending,
    payAt: payAgainAt(purchase, now),
    now,
  })
  const from = String(purchase.id)
  call.record({
    kind: 'purchase.split',
    subjectId: purchase.id,
    accountId,
    data: { to: String(refusedId) },
  })
  call.record({ kind: 'purchase.created', subjectId: refusedId, accountId, data: { from } })
}

/** All money goes back, and what was kept under the keys is forgotten: the next try is new. */
async function reverse({ tx, now }: BatchContext, endings: readonly Ending[]): Promise<void> {
  if (endings.length === 0) return
  const purchases = endings.map(({ purchase }) => purchase)
  await releaseHolds(
    { tx, now },
    purchases.flatMap(({ holdId }) => holdId ?? []),
  )
  await reopenPurchases(tx, {
    reopened: purchases.map((purchase) => ({
      purchaseId: purchase.id,
      payAt: payAgainAt(purchase, now),
    })),
    now,
  })
  await freeUnusedKeys(tx, purchases)
  for (const { call, purchase } of endings) {
    const { id, accountId } = purchase
    call.record({ kind: 'purchase.reversed', subjectId: id, accountId })
  }
}

/** Frees the keys of purchases that are open again; not where another was paid under the same. */
async function freeUnusedKeys(tx: Tx, purchases: readonly StoredPurchase[]): Promise<void> {
  const keys = new Map(
    purchases.flatMap(({ payingKey }) =>
      payingKey === null ? [] : [[keyText(payingKey), payingKey] as const],
    ),
  )
  if (keys.size === 0) return
  const accountIds = purchases.map(({ accountId }) => accountId)
  for (const used of await findKeysInUse(tx, { accountIds, keys: [...keys.values()] })) {
    keys.delete(keyText(used))
  }
  await freeKeys(tx, [...keys.values()])
}
