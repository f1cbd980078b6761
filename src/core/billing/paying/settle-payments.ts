import {
  type BatchContext,
  type BatchedCall,
  type BatchOperation,
  keyText,
} from '../../execute-batch.ts'
import { freeKeys } from '../../forget-effects.ts'
import { releaseHolds, settleHolds } from '../../ledger/holds.ts'
import { resumePaidServers } from '../../servers/resume-paid-servers.ts'
import type { BillingTerms } from '../billing-terms.ts'
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
import { payInvoices, renewSubscriptions } from './settle-store.ts'
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

/** What is to become of a purchase, with the lines that were done and those that were refused. */
interface Ending {
  readonly call: BatchedCall<SettleInput>
  readonly purchase: StoredPurchase
  readonly lease: string
  readonly verdict: 'paid' | 'reversed' | 'settling'
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
    accountsOf: async (_db, calls) => [
      ...new Set(calls.map(({ input }) => input.reserved.purchase.accountId)),
    ],
    async run(context, calls) {
      const judged = calls.map(judge)
      const own = await lockOwn(context, judged)
      const mine = judged.filter((one) => own === null || own.has(one.call))
      const paid = await pay(
        context,
        terms,
        mine.filter(({ verdict }) => verdict === 'paid'),
      )
      await reverse(
        context,
        mine.filter(({ verdict }) => verdict === 'reversed'),
      )
      await letGo(
        context,
        mine.filter(({ verdict }) => verdict === 'settling'),
      )
      return judged.map((one): { output: Settlement } => {
        const lost = one.verdict === 'paid' ? !paid.has(one.purchase.id) : !mine.includes(one)
        return { output: lost ? 'lost' : one.verdict }
      })
    },
  }
}

function judge(call: BatchedCall<SettleInput>): Ending {
  const { reserved, verdicts } = call.input
  const { purchase, lines, lease } = reserved
  const by = Map.groupBy(lines, (line) => verdicts.get(line.serverId) ?? 'open')
  const [done, refused] = [by.get('done') ?? [], by.get('refused') ?? []]
  const verdict = by.has('open') ? 'settling' : done.length > 0 ? 'paid' : 'reversed'
  return { call, purchase, lease, verdict, done, refused }
}

/**
 * Locks the purchases in id order, and tells which are still their leases'; null: not needed,
 * since all were done, and finishing them locks them and tells.
 */
async function lockOwn(
  { tx, wallets }: BatchContext,
  judged: readonly Ending[],
): Promise<ReadonlySet<unknown> | null> {
  if (judged.every(({ verdict, refused }) => verdict === 'paid' && refused.length === 0))
    return null
  const ids = judged.map(({ purchase }) => purchase.id)
  const purchases = await lockPurchases(tx, { ids, accountIds: [...wallets.keys()] })
  const own = judged.filter(({ purchase, lease }) => {
    const stored = purchases.get(purchase.id)
    return stored?.state === 'processing' && stored.leaseWorker === lease
  })
  return new Set(own.map(({ call }) => call))
}

async function letGo({ tx, now }: BatchContext, endings: readonly Ending[]): Promise<void> {
  for (const [lease, some] of Map.groupBy(endings, (one) => one.lease)) {
    await letGoOfPurchases(tx, { ids: some.map(({ purchase }) => purchase.id), lease, now })
  }
}

/** Returns the purchases that were still their leases', and are paid now. */
async function pay(
  context: BatchContext,
  terms: BillingTerms,
  done: readonly Ending[],
): Promise<ReadonlySet<bigint>> {
  if (done.length === 0) return new Set()
  const { tx, now } = context
  const paid = await finishPurchases(tx, {
    taken: done.map(({ purchase, lease }) => ({ id: purchase.id, lease })),
    now,
  })
  const endings = done.filter(({ purchase }) => paid.has(purchase.id))
  if (endings.length === 0) return paid
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
  const lines = endings.flatMap((one) => one.done)
  await renewSubscriptions(tx, { lines, terms, now })
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
  return paid
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
    // What costs nothing is paid by itself, though the whole was not.
    payAt: payAgainAt({ ...purchase, grossMicros: sumsOf(ending.refused).grossMicros }, now),
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
async function reverse(context: BatchContext, endings: readonly Ending[]): Promise<void> {
  if (endings.length === 0) return
  const { tx, now } = context
  const purchases = endings.map(({ purchase }) => purchase)
  await releaseHolds(
    context,
    purchases.flatMap(({ holdId }) => holdId ?? []),
  )
  await reopenPurchases(tx, {
    reopened: purchases.map((purchase) => ({
      purchaseId: purchase.id,
      payAt: payAgainAt(purchase, now),
    })),
    now,
  })
  await freeUnusedKeys(context, purchases)
  for (const { call, purchase } of endings) {
    const { id, accountId } = purchase
    call.record({ kind: 'purchase.reversed', subjectId: id, accountId })
  }
}

/** Frees the keys of purchases that are open again; not where another was paid under the same. */
async function freeUnusedKeys(
  { tx, now }: BatchContext,
  purchases: readonly StoredPurchase[],
): Promise<void> {
  const keys = new Map(
    purchases.flatMap(({ payingKey }) =>
      payingKey === null ? [] : [[keyText(payingKey), payingKey] as const],
    ),
  )
  if (keys.size === 0) return
  const accountIds = purchases.map(({ accountId }) => accountId)
  for (const used of await findKeysInUse(tx, { accountIds, keys: [...keys.values()], now })) {
    keys.delete(keyText(used))
  }
  await freeKeys(tx, [...keys.values()])
}
