/**
 * The books. What always holds, by the database first:
 * - A transfer takes an amount > 0 from one ledger account and adds it to another of the same
 *   currency. It has one cause, is the leg of no other, and is never changed or deleted.
 * - A transfer belongs to one customer account; the kept ledger accounts it names are that one's.
 * - Wallet, held and debt keep a running balance (credits less debits) that only transfers move,
 *   and never below the floor. System accounts keep none: theirs is a sum.
 * - Whoever moves money of an account holds the row lock of its wallet; many, in id order.
 */
export type SystemLedgerKind = 'revenue' | 'clearing' | 'credit_granted' | 'tax'

export type CauseKind = 'order' | 'order_refund' | 'credit' | 'hold' | 'hold_end' | 'card_charge'

/** A movement to be made: `debitId` gives, `creditId` receives. */
export interface TransferDraft {
  readonly debitId: bigint
  readonly creditId: bigint
  readonly amountMicros: bigint
  readonly currency: string
  readonly causeKind: CauseKind
  readonly causeId: bigint
  /** Tells the transfers of one cause apart; 0 where there is one. */
  readonly leg?: number
  /** The customer account whose statement shows it. */
  readonly accountId: bigint
  readonly createdAt: Date
}
