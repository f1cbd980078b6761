import assert from 'node:assert/strict'
import type { Tx } from '../../db/database.ts'
import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { endHoldRows, findHolds, insertHolds } from './hold-store.ts'
import type { TransferDraft } from './ledger.ts'
import { insertHeld, lockSides, type Sides } from './ledger-store.ts'
import { postToLocked } from './post-transfers.ts'
import { systemAccount } from './system-account.ts'

/**
 * A hold sets money of a wallet aside while the outcome of what it is for is not known. It ends
 * exactly once. The event belongs to the operation that places or ends it and names its subject.
 * Each function takes a set, all of it or nothing, in a few statements; one is a set of one.
 */
type Context = Pick<OperationContext, 'tx' | 'now'>

export interface HoldDraft {
  readonly accountId: bigint
  /** Above 0. */
  readonly amountMicros: bigint
  /** What it is for: the kind and the number of the caller's own row. */
  readonly subject: { readonly kind: string; readonly id: bigint }
}

/** What is taken of a hold; the rest goes back to the wallet. */
export interface HoldSettlement {
  readonly holdId: bigint
  /** To revenue and to tax together: above 0, at most what is held. */
  readonly amountMicros: bigint
  /** Of that, what goes to tax. */
  readonly taxMicros: bigint
}

const PLACED = 0
/** The legs of an end: what goes to revenue, what goes back, and what goes to tax. */
const SETTLED = 0
const RETURNED = 1
const TAXED = 2

/**
 * Moves money from the accounts' wallets aside. Returns the holds' ids, in the order given.
 * Refuses `insufficient_funds` where one wallet does not reach for all that is asked of it, and
 * `not_found` where an account has none.
 */
export async function placeHolds(
  { tx, now }: Context,
  drafts: readonly HoldDraft[],
): Promise<bigint[]> {
  if (drafts.length === 0) return []
  for (const { amountMicros } of drafts) {
    assert.ok(amountMicros > 0n, 'a hold is of an amount above 0')
  }
  const sides = await openSides(tx, drafts)
  const holds = drafts.map((draft) => ({
    ...draft,
    currency: sides.get(draft.accountId)!.currency,
  }))
  const ids = await insertHolds(tx, { holds, now })
  assert.equal(ids.length, drafts.length, 'every hold was written')
  await postToLocked(
    tx,
    holds.map(({ accountId, amountMicros, currency }, at) => {
      const { walletId, heldId } = sides.get(accountId)!
      return {
        debitId: walletId,
        creditId: heldId,
        amountMicros,
        currency,
        causeKind: 'hold',
        causeId: ids[at]!,
        leg: PLACED,
        accountId,
        createdAt: now,
      }
    }),
  )
  return ids
}

/**
 * Ends holds: of each, what is taken goes to revenue and tax of its currency, and the rest back to
 * the wallet. Refuses `invalid_state` where one has ended before and `not_found` where there is
 * none.
 */
export async function settleHolds(
  context: Context,
  settlements: readonly HoldSettlement[],
): Promise<void> {
  for (const { amountMicros, taxMicros } of settlements) {
    assert.ok(amountMicros > 0n, 'to settle nothing is to release')
    assert.ok(taxMicros >= 0n && taxMicros <= amountMicros, 'tax is a part of what is taken')
  }
  await endHolds(context, settlements)
}

/** Ends holds: all goes back to the wallets. Refuses as `settleHolds` does. */
export async function releaseHolds(context: Context, holdIds: readonly bigint[]): Promise<void> {
  await endHolds(
    context,
    holdIds.map((holdId) => ({ holdId, amountMicros: 0n, taxMicros: 0n })),
  )
}

async function endHolds({ tx, now }: Context, ends: readonly HoldSettlement[]): Promise<void> {
  if (ends.length === 0) return
  const holds = await findHolds(
    tx,
    ends.map((end) => end.holdId),
  )
  for (const { holdId, amountMicros } of ends) {
    const hold = holds.get(holdId)
    if (!hold) throw new Refusal('not_found')
    assert.ok(amountMicros <= hold.amountMicros, 'no more is settled than is held')
  }
  const sides = await openSides(tx, [...holds.values()])
  const ended = await endHoldRows(tx, {
    ends: ends.map((end) => ({ ...end, settledMicros: end.amountMicros })),
    now,
  })
  if (ended !== ends.length) {
    throw new Refusal('invalid_state', { detail: 'This hold has ended.' })
  }
  const system = await systemAccounts(tx, new Set([...holds.values()].map((h) => h.currency)))
  const drafts = ends.flatMap((end) => {
    const hold = holds.get(end.holdId)!
    const { currency, accountId } = hold
    const { walletId, heldId } = sides.get(accountId)!
    const { revenueId, taxId } = system.get(currency)!
    const leg = (number: number, creditId: bigint, amountMicros: bigint): TransferDraft[] =>
      amountMicros === 0n
        ? []
        : [
            {
              debitId: heldId,
              creditId,
              amountMicros,
              currency,
              causeKind: 'hold_end',
              causeId: hold.id,
              leg: number,
              accountId,
              createdAt: now,
            },
          ]
    return [
      ...leg(SETTLED, revenueId, end.amountMicros - end.taxMicros),
      ...leg(RETURNED, walletId, hold.amountMicros - end.amountMicros),
      ...leg(TAXED, taxId, end.taxMicros),
    ]
  })
  await postToLocked(tx, drafts)
}

/** Whose wallet is locked, with a ledger account for what is held of it. */
type Opened = Sides & { readonly heldId: bigint }

/**
 * Locks the wallets and finds the accounts' ledger accounts for held money, adding what is
 * missing: with its wallet locked, no other adds it too. Refuses `not_found` without a wallet.
 */
async function openSides(
  tx: Tx,
  owners: readonly { readonly accountId: bigint }[],
): Promise<ReadonlyMap<bigint, Opened>> {
  const accountIds = [...new Set(owners.map((owner) => owner.accountId))]
  const found = await lockSides(tx, accountIds)
  if (found.length !== accountIds.length) throw new Refusal('not_found')
  const lacking = found.filter(({ heldId }) => heldId === null)
  const added = lacking.length === 0 ? new Map() : await insertHeld(tx, lacking)
  return new Map(
    found.map((sides) => {
      const heldId = sides.heldId ?? added.get(sides.accountId)
      return [sides.accountId, { ...sides, heldId }]
    }),
  )
}

async function systemAccounts(
  tx: Tx,
  currencies: ReadonlySet<string>,
): Promise<ReadonlyMap<string, { revenueId: bigint; taxId: bigint }>> {
  const found = new Map<string, { revenueId: bigint; taxId: bigint }>()
  for (const currency of currencies) {
    found.set(currency, {
      revenueId: await systemAccount(tx, 'revenue', currency),
      taxId: await systemAccount(tx, 'tax', currency),
    })
  }
  return found
}
