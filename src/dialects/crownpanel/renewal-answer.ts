import type { RenewalPayment } from '../../core/billing/paying/pay-server-renewal.ts'
import { amountInWords, amountText } from './crownpanel-amounts.ts'

interface Wording {
  readonly status: 'Success' | 'Error'
  readonly renewal: string
  readonly result: (amount: string) => string
  /** Whether `amount_paid` is in the answer: the source page has it everywhere but in one. */
  readonly showsAmount: boolean
}

const UNKNOWN: Wording = error('Unknown', 'Service Not Renewed')

/** The source page's answers to `renew_service`, by what became of the payment. */
const WORDINGS: Readonly<Record<RenewalPayment['kind'], Wording>> = {
  paid: {
    status: 'Success',
    renewal: 'Success',
    result: () => 'Invoice Paid and Service Renewed.',
    showsAmount: true,
  },
  already_paid: { ...error('Failed', 'Invoice Already Paid.'), showsAmount: false },
  insufficient_funds: error('Low Balance', 'Wallet Balance not enough to renew this service.'),
  no_invoice: error('Not Available', 'No Unpaid Invoice Found For Service. Contact Support.'),
  credit_kept: error(
    'Error',
    'Contact support, Invoice was not paid automatically. ' +
      'Credit is moved to Client Area Balance.',
  ),
  reversed: {
    ...error('API Error', ''),
    result: (amount) => `Success, ${amount} was reversed back to account due to an API issue.`,
  },
  cancelled: UNKNOWN,
  not_renewable: UNKNOWN,
  left_out: UNKNOWN,
  settling: UNKNOWN,
}

function error(renewal: string, text: string): Wording {
  return { status: 'Error', renewal, result: () => text, showsAmount: true }
}

/** The fields of an answer in the order of the source page. */
export function renewalAnswer(query: string, payment: RenewalPayment) {
  const { status, renewal, result, showsAmount } = WORDINGS[payment.kind]
  const { amountMicros, currency } = payment
  return {
    query_status: status,
    query,
    invoice_id: String(payment.invoiceId ?? 0n),
    ...(showsAmount ? { amount_paid: amountText(amountMicros) } : {}),
    renewal_status: renewal,
    query_result: result(amountInWords(amountMicros, currency)),
  }
}
