import type { PayOutcome } from '../../core/billing/paying/payment.ts'
import { Refusal, type RefusalCode } from '../../core/refusal.ts'

/** What each outcome is refused as; null: it is none to refuse. */
const REFUSED: Readonly<
  Record<PayOutcome['kind'], { readonly code: RefusalCode; readonly detail?: string } | null>
> = {
  paid: null,
  settling: null,
  already_paid: { code: 'already_paid' },
  cancelled: { code: 'invalid_state', detail: 'The invoice was cancelled. Nothing was taken.' },
  insufficient_funds: { code: 'insufficient_funds' },
  credit_kept: {
    code: 'invalid_state',
    detail: 'The card was charged, but the invoice not paid: the money is in the wallet.',
  },
  reversed: { code: 'payment_reversed' },
  not_renewable: {
    code: 'invalid_state',
    detail: 'What the invoice is for cannot be renewed. Nothing was taken.',
  },
  left_out: { code: 'insufficient_funds' },
}

/** What the payer is refused with; null where it was paid, or is being paid. */
export function payRefusal(outcome: PayOutcome): Refusal | null {
  const refused = REFUSED[outcome.kind]
  return refused && new Refusal(refused.code, refused)
}
