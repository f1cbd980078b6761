import type { Tx } from '../../db/database.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { lockWallets } from '../lock-wallets.ts'
import { Refusal } from '../refusal.ts'
import type { TransferDraft } from './ledger.ts'
import { insertTransfers } from './ledger-store.ts'

/**
 * Makes all these transfers, or none: the wallets of their accounts are locked first, in id order,
 * and the balances move in the statement that adds the rows. The running balance is judged once
 * for the whole set, not between its members. Refuses `insufficient_funds` where a balance would
 * pass its floor, and `conflict` where a cause has this transfer already.
 */
export async function postTransfers(tx: Tx, drafts: readonly TransferDraft[]): Promise<void> {
  if (drafts.length === 0) return
  await lockWallets(tx, [...new Set(drafts.map((draft) => draft.accountId))])
  await postToLocked(tx, drafts)
}

/** The same where the wallets of their accounts are locked. */
export async function postToLocked(tx: Tx, drafts: readonly TransferDraft[]): Promise<void> {
  if (drafts.length === 0) return
  try {
    await insertTransfers(tx, drafts)
  } catch (error) {
    const refusal = refusalOf(error)
    throw refusal ?? error
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  switch (violatedConstraint(error)) {
    case 'ledger_account_floor':
      return new Refusal('insufficient_funds', { cause: error })
    case 'transfer_cause_key':
      return new Refusal('conflict', { detail: 'This was booked already.', cause: error })
    default:
      return undefined
  }
}
