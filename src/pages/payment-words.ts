import type { PayOutcome } from '../core/billing/paying/payment.ts'
import type { Invoice } from '../core/billing/purchase.ts'
import { money, type Notice } from './customer-page.ts'

/** What became of a payment, as the page tells it, with the HTTP status. */
export interface PaymentWords {
  readonly status: number
  readonly notice: Notice
}

/** `balanceMicros` is what the wallet holds now. */
export function paymentWords(
  outcome: PayOutcome['kind'],
  { invoice, balanceMicros }: { invoice: Invoice; balanceMicros: bigint },
): PaymentWords {
  const total = money(invoice.grossMicros, invoice.currency)
  const bad = (status: number, text: string) => ({ status, notice: { kind: 'bad', text } as const })
  const good = (status: number, text: string) => ({
    status,
    notice: { kind: 'good', text } as const,
  })
  switch (outcome) {
    case 'paid':
      return good(200, `Paid: ${total}.`)
    case 'already_paid':
      return good(409, 'This invoice had been paid already. Nothing was taken this time.')
    case 'settling':
      return good(
        202,
        `The provider has not answered yet. ${total} are set aside, and it is asked until it is ` +
          'known. Nothing is taken twice.',
      )
    case 'insufficient_funds':
    case 'left_out': {
      const missing = invoice.grossMicros - balanceMicros
      const text = 'The wallet is too low. Nothing was taken.'
      if (missing <= 0n) return bad(402, text)
      return bad(402, `${text} ${money(missing, invoice.currency)} are missing.`)
    }
    case 'reversed':
      return bad(
        502,
        `The provider refused. ${total} are back in the wallet, and the invoice is open again.`,
      )
    case 'cancelled':
      return bad(409, 'This invoice was cancelled. Nothing was taken.')
    case 'not_renewable':
      return bad(409, 'What this invoice is for cannot be renewed. Nothing was taken.')
    case 'credit_kept':
      return bad(
        409,
        'The card was charged, but the invoice could not be paid: the money is in the wallet.',
      )
  }
}
