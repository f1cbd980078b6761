import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import { readInvoice } from '../../core/billing/invoice-views.ts'
import { readPaymentProgress } from '../../core/billing/paying/payment-progress.ts'
import type { Invoice } from '../../core/billing/purchase.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../../http/idempotency-key.ts'
import { callerOf } from '../../http/rest/caller.ts'
import { payRefusal } from '../../http/rest/pay-refusal.ts'
import type { RestRoutes } from '../../http/rest/rest-routes.ts'
import { NoBody } from '../../http/rest/shapes.ts'
import type { HostupDeps } from './hostup-deps.ts'
import { withItems } from './invoice-with-items.ts'
import { jobAddress, jobId } from './job-names.ts'
import { InvoiceParams, writing } from './route-options.ts'
import { InvoiceWithItemsShape, StartedShape } from './shapes.ts'

/** Paying an invoice from the wallet. */
export function registerPay(app: RestRoutes, deps: HostupDeps): void {
  app.post(
    '/billing/invoices/:id/actions/pay',
    writing(
      {
        operationId: 'payInvoice',
        summary: 'Pay an invoice from the wallet',
        description:
          'Pays at once and answers the paid invoice. Where its order is to be paid by card, the ' +
          'saved card pays what the wallet lacks. 402 where the wallet is too low, 409 where ' +
          'it was paid or cancelled before, 502 where the provider refused to extend what was ' +
          'paid for: the money is back in the wallet then, and the invoice open. Where the ' +
          'provider takes longer than ten seconds, the money is held and the answer is 202 with ' +
          'an operation to ask for.',
        tag: 'Billing',
        scope: 'write:billing',
        problems: [402, 502],
      },
      {
        params: InvoiceParams,
        body: NoBody,
        answers: { 200: InvoiceWithItemsShape, 202: StartedShape },
      },
    ),
    async (request, reply) => {
      const actor = callerOf(request)
      const { accountId } = actor
      const { db } = deps.funnel.database
      const { id, purchaseId } = await readInvoice(db, { accountId, name: request.params.id })
      const effect = await deps.payments.pay({
        actor,
        input: { purchaseIds: [purchaseId], mayUseCard: null },
        idempotencyKey: idempotencyKeyOf(request, undefined),
      })
      const { outcome } = effect.output[0]!
      const refusal = payRefusal(outcome)
      if (refusal !== null) throw refusal
      toldIfReplayed(reply, effect)
      const invoice = await readInvoice(db, { accountId, name: String(id) })
      return outcome.kind === 'settling'
        ? await sendStarted(deps, reply, invoice)
        : reply.code(200).send(await withItems(deps, invoice))
    },
  )
}

async function sendStarted(
  deps: HostupDeps,
  reply: FastifyReply,
  invoice: Invoice,
): Promise<FastifyReply> {
  const { accountId } = invoice
  const { db } = deps.funnel.database
  const { state } = await readPaymentProgress(db, { accountId, name: String(invoice.id) })
  const operation: Static<typeof StartedShape>['operation'] = {
    // What has ended in this very moment is told by its job.
    status: state === 'pending' ? state : 'in_progress',
    jobId: jobId(invoice),
    pollUrl: jobAddress(invoice),
    result: null,
  }
  return reply.code(202).send({ operation })
}
