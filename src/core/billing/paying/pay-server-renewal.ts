import { accountOf } from '../../actor.ts'
import { authorize, type Call } from '../../execute.ts'
import { effectKeyOf } from '../../execute-batch.ts'
import type { Effect } from '../../operation.ts'
import { Refusal } from '../../refusal.ts'
import { latestInvoiceOfServer } from '../invoice-views.ts'
import { readRenewalPrices } from '../renewal-prices.ts'
import type { PayOutcome } from './payment.ts'
import type { PaymentDesk } from './payment-desk.ts'
import { findPurchaseToPay, type ServerToPay } from './server-payment-views.ts'

export interface PayServerRenewal {
  readonly serverId: bigint
  /** Which of its invoices; null: the one that is open. */
  readonly invoiceId: bigint | null
}

/** What became of it, and the invoice that it was about. */
export interface RenewalPayment {
  /** The invoice paid, or the last one that renews the server; null where there is none. */
  readonly invoiceId: bigint | null
  /** What that invoice comes to; without one, what the next renewal would. */
  readonly amountMicros: bigint
  readonly currency: string
  readonly kind: PayOutcome['kind'] | 'no_invoice'
}

/**
 * Pays the renewal of a server at once, from the wallet and then the saved card. Nothing is made
 * out by it: without an open renewal the answer is that the coming period is paid, or that there
 * is no invoice. Refuses as `PaymentDesk.pay` does; `not_found` is the server.
 */
export async function payServerRenewal(
  desk: PaymentDesk,
  call: Call<PayServerRenewal>,
): Promise<Effect<RenewalPayment>> {
  authorize(call.actor, 'write:billing')
  effectKeyOf(call)
  const { db } = desk.deps.funnel.database
  const { serverId, invoiceId } = call.input
  const accountId = accountOf(call.actor)
  const server = await desk.reads.serverToPay(serverId)
  const own = accountId === null || server?.accountId === accountId
  if (server === undefined || !own) throw new Refusal('not_found')
  const named = { accountId: server.accountId, serverId }
  const purchaseId =
    invoiceId === null
      ? server.openPurchaseId
      : await findPurchaseToPay(db, { ...named, invoiceId })
  const purchaseIds = purchaseId === null ? [] : [purchaseId]
  const asking = { ...call, input: { purchaseIds, mayUseCard: true } }
  const terms = { asked: { serverId, invoiceId } }
  const paid =
    purchaseId === null ? await desk.findPaid(asking, terms) : await desk.pay(asking, terms)
  const [result] = paid?.output ?? []
  const kind = result?.outcome.kind ?? withoutInvoice(server, invoiceId)
  const output = { ...(await toldOf(desk, { ...named, server, result })), kind }
  return { output, replayed: paid?.replayed ?? false }
}

/** What to say of a server of which nothing is to be paid. */
function withoutInvoice(
  { state, suspendedFor, subscriptionState, isPaidAhead }: ServerToPay,
  invoiceId: bigint | null,
): RenewalPayment['kind'] {
  if (state === 'terminated' || suspendedFor === 'abuse' || subscriptionState === 'ended') {
    return 'not_renewable'
  }
  return isPaidAhead && invoiceId === null ? 'already_paid' : 'no_invoice'
}

async function toldOf(
  desk: PaymentDesk,
  o: {
    readonly accountId: bigint
    readonly serverId: bigint
    readonly server: ServerToPay
    readonly result: { readonly purchaseId: bigint } | undefined
  },
): Promise<Omit<RenewalPayment, 'kind'>> {
  const { db } = desk.deps.funnel.database
  const { accountId, serverId, result } = o
  const invoice =
    result === undefined
      ? await latestInvoiceOfServer(db, { accountId, serverId })
      : await desk.reads.invoiceOfPurchase(result.purchaseId)
  if (invoice !== undefined) {
    const { id, grossMicros, currency } = invoice
    return { invoiceId: id, amountMicros: grossMicros, currency }
  }
  const prices = await readRenewalPrices(db, [serverId])
  const amountMicros = prices.get(serverId)?.renewal?.grossMicros ?? 0n
  return { invoiceId: null, amountMicros, currency: o.server.currency }
}
