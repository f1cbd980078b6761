import assert from 'node:assert/strict'
import type { Tx } from '../../db/database.ts'
import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { endHold, findHold, type HoldRow, insertHold } from './hold-store.ts'
import type { TransferDraft } from './ledger.ts'
import { findKept, insertKept } from './ledger-store.ts'
import { postTransfers } from './post-transfers.ts'
import { lockWallet } from './wallets.ts'

/**
 * A hold sets money of a wallet aside while the outcome of what it is for is not known. It ends
 * exactly once. The event belongs to the operation that places or ends it and names its subject.
 * Nothing that is sold now places one: an order is charged when it is placed. What is delivered
 * by another, with an outcome that may stay open, will; verification and backup know holds already.
 */
type Context = Pick<OperationContext, 'tx' | 'now'>

export interface HoldDraft {
  readonly accountId: bigint
  readonly amountMicros: bigint
  /** What it is for: the kind and the number of the caller's own row. */
  readonly subject: { readonly kind: string; readonly id: bigint }
}

const PLACED = 0
/** The legs of an end: what goes to the destination, and what goes back. */
const SETTLED = 0
const RETURNED = 1

/**
 * Moves `amountMicros` (> 0) from the account's wallet aside. Returns the hold's id. Refuses
 * `insufficient_funds`, and `not_found` where the account has no wallet.
 */
export async function placeHold({ tx, now }: Context, draft: HoldDraft): Promise<bigint> {
  assert.ok(draft.amountMicros > 0n, 'a hold is of an amount above 0')
  const { accountId, amountMicros } = draft
  const wallet = await lockWallet(tx, accountId)
  const { currency } = wallet
  const heldId = await heldAccount(tx, { accountId, currency })
  const holdId = await insertHold(tx, { ...draft, currency, now })
  await postTransfers(tx, [
    {
      debitId: wallet.id,
      creditId: heldId,
      amountMicros,
      currency,
      causeKind: 'hold',
      causeId: holdId,
      leg: PLACED,
      accountId,
      createdAt: now,
    },
  ])
  return holdId
}

/**
 * Ends a hold: `amountMicros` (above 0, at most what is held) goes to the ledger account
 * `destinationId`, of the same currency, and the rest back to the wallet. Refuses `invalid_state`
 * where the hold has ended before and `not_found` where there is none.
 */
export async function settleHold(
  context: Context,
  o: { holdId: bigint; amountMicros: bigint; destinationId: bigint },
): Promise<void> {
  assert.ok(o.amountMicros > 0n, 'to settle nothing is to release')
  await end(context, { ...o, settledMicros: o.amountMicros })
}

/** Ends a hold: all goes back to the wallet. Refuses as `settleHold` does. */
export async function releaseHold(context: Context, o: { holdId: bigint }): Promise<void> {
  await end(context, { ...o, settledMicros: 0n })
}

async function end(
  { tx, now }: Context,
  o: { holdId: bigint; settledMicros: bigint; destinationId?: bigint },
): Promise<void> {
  const hold = await findHold(tx, o.holdId)
  if (!hold) throw new Refusal('not_found')
  assert.ok(o.settledMicros <= hold.amount, 'no more is settled than is held')
  const wallet = await lockWallet(tx, hold.account_id)
  if (!(await endHold(tx, { ...o, now }))) {
    throw new Refusal('invalid_state', { detail: 'This hold has ended.' })
  }
  const heldId = await heldAccount(tx, { accountId: hold.account_id, currency: hold.currency })
  const from = { hold, heldId, now }
  const drafts: TransferDraft[] = []
  if (o.destinationId !== undefined) {
    drafts.push(endDraft(from, { leg: SETTLED, to: o.destinationId, amount: o.settledMicros }))
  }
  const rest = hold.amount - o.settledMicros
  if (rest > 0n) drafts.push(endDraft(from, { leg: RETURNED, to: wallet.id, amount: rest }))
  await postTransfers(tx, drafts)
}

function endDraft(
  from: { hold: HoldRow; heldId: bigint; now: Date },
  o: { leg: number; to: bigint; amount: bigint },
): TransferDraft {
  return {
    debitId: from.heldId,
    creditId: o.to,
    amountMicros: o.amount,
    currency: from.hold.currency,
    causeKind: 'hold_end',
    causeId: from.hold.id,
    leg: o.leg,
    accountId: from.hold.account_id,
    createdAt: from.now,
  }
}

/** The account's ledger account for held money. Its wallet is locked, so no other makes it too. */
async function heldAccount(tx: Tx, o: { accountId: bigint; currency: string }): Promise<bigint> {
  const found = await findKept(tx, { kind: 'held', accountId: o.accountId })
  return found ?? (await insertKept(tx, { kind: 'held', ...o }))
}
