import assert from 'node:assert/strict'
import type { Tx } from '../../db/database.ts'
import type { Wallet, Wallets } from '../lock-wallets.ts'
import { Refusal } from '../refusal.ts'
import { endHoldRows, findHolds, type HoldRow, insertHolds } from './hold-store.ts'
import type { TransferDraft } from './ledger.ts'
import { insertHeld } from './ledger-store.ts'
import { postToLocked } from './post-transfers.ts'
import { systemAccounts } from './system-account.ts'

/**
 * A hold sets money of a wallet aside while the outcome of what it is for is not known. It ends
 * exactly once. The event belongs to the operation that places or ends it and names its subject.
 * Each function takes a set, all of it or nothing, in a few statements; one is a set of one.
 */
interface Context {
  readonly tx: Tx
  readonly now: Date
  /** Those of all the accounts whose holds are placed or end. */
  readonly wallets: Wallets
}

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
  context: Context,
  drafts: readonly HoldDraft[],
): Promise<bigint[]> {
  if (drafts.length === 0) return []
  const { tx, now } = context
  for (const { amountMicros } of drafts) {
    assert.ok(amountMicros > 0n, 'a hold is of an amount above 0')
  }
  const sides = await openSides(context, drafts)
  const holds = drafts.map((draft) => ({
    ...draft,
    currency: sides.get(draft.accountId)!.currency,
  }))
  const ids = await insertHolds(tx, { holds, now })
  assert.equal(ids.length, drafts.length, 'every hold was written')
  await postToLocked(
    tx,
    holds.map(({ accountId, amountMicros, currency }, at) => {
      const { id: walletId, heldId } = sides.get(accountId)!
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

async function endHolds(context: Context, ends: readonly HoldSettlement[]): Promise<void> {
  if (ends.length === 0) return
  const { tx, now } = context
  const rows = await endHoldRows(tx, { ends, now })
  if (rows.length !== ends.length) await refuseToEnd(tx, ends)
  const sides = await openSides(context, rows)
  const ids = await systemAccounts(tx, {
    kinds: ['revenue', 'tax'],
    currencies: new Set(rows.map(({ currency }) => currency)),
  })
  const holds = new Map(rows.map((row) => [row.id, row]))
  const drafts = ends.flatMap((end) => {
    const hold = holds.get(end.holdId)!
    const { currency } = hold
    const { id: walletId, heldId } = sides.get(hold.accountId)!
    const from = { hold, heldId, now }
    return [
      ...leg(from, SETTLED, ids.get(`revenue ${currency}`)!, end.amountMicros - end.taxMicros),
      ...leg(from, RETURNED, walletId, hold.amountMicros - end.amountMicros),
      ...leg(from, TAXED, ids.get(`tax ${currency}`)!, end.taxMicros),
    ]
  })
  await postToLocked(tx, drafts)
}

/** Says why some of these holds were not ended. */
async function refuseToEnd(tx: Tx, ends: readonly HoldSettlement[]): Promise<never> {
  const amounts = await findHolds(
    tx,
    ends.map((end) => end.holdId),
  )
  for (const { holdId, amountMicros } of ends) {
    const held = amounts.get(holdId)
    if (held === undefined) throw new Refusal('not_found')
    assert.ok(amountMicros <= held, 'no more is settled than is held')
  }
  throw new Refusal('invalid_state', { detail: 'This hold has ended.' })
}

/** A transfer of what was held, or none of nothing. */
function leg(
  from: { readonly hold: HoldRow; readonly heldId: bigint; readonly now: Date },
  number: number,
  creditId: bigint,
  amountMicros: bigint,
): TransferDraft[] {
  if (amountMicros === 0n) return []
  return [
    {
      debitId: from.heldId,
      creditId,
      amountMicros,
      currency: from.hold.currency,
      causeKind: 'hold_end',
      causeId: from.hold.id,
      leg: number,
      accountId: from.hold.accountId,
      createdAt: from.now,
    },
  ]
}

/** The accounts' wallets with their ledger accounts for held money, adding what is missing. */
async function openSides(
  { tx, wallets }: Context,
  owners: readonly { readonly accountId: bigint }[],
): Promise<ReadonlyMap<bigint, Wallet & { readonly heldId: bigint }>> {
  const found = [...new Set(owners.map(({ accountId }) => accountId))].map((accountId) => {
    const wallet = wallets.get(accountId)
    if (wallet === undefined) throw new Refusal('not_found')
    return wallet
  })
  const lacking = found.filter(({ heldId }) => heldId === null)
  const added = lacking.length === 0 ? new Map<bigint, bigint>() : await insertHeld(tx, lacking)
  return new Map(
    found.map((wallet) => {
      const heldId = wallet.heldId ?? added.get(wallet.accountId)!
      return [wallet.accountId, { ...wallet, heldId }]
    }),
  )
}
