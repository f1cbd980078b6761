import { Type } from 'typebox'
import { cancelPurchase } from '../core/billing/cancel-purchase.ts'
import { listInvoices, readInvoice } from '../core/billing/invoice-views.ts'
import { PURCHASE_STATES } from '../core/billing/purchase.ts'
import { listPurchases, readPurchase } from '../core/billing/purchase-views.ts'
import { idempotencyKeyOf, toldIfReplayed } from '../http/idempotency-key.ts'
import { readId, readIdField, readPage, toPage } from '../http/rest/paging.ts'
import { payRefusal } from '../http/rest/pay-refusal.ts'
import type { RestRoutes } from '../http/rest/rest-routes.ts'
import {
  Id,
  IdParams,
  listOf,
  listQuery,
  NoBody,
  oneOf,
  strictObject,
} from '../http/rest/shapes.ts'
import type { AdminDeps } from './admin-deps.ts'
import {
  INVOICE_STATES,
  InvoiceShape,
  PurchaseShape,
  showInvoice,
  showPurchase,
} from './billing-shapes.ts'
import { callerOf } from './caller.ts'
import { reading, writing } from './schemas.ts'
import { write } from './write.ts'

const Payment = strictObject({
  use_card: Type.Optional(
    Type.Boolean({ description: 'Whether the saved card gives what the wallet is short of' }),
  ),
})
const tag = 'Billing'

/** What is paid together, and the invoices for it. */
export function registerPurchases(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/purchases',
    {
      schema: reading(
        { operationId: 'listPurchases', summary: 'List purchases, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            state: Type.Optional(oneOf(PURCHASE_STATES)),
          }),
          answer: listOf(PurchaseShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from: before } = readPage('purchases', query)
      const { purchases } = await listPurchases(db, {
        accountId: readAccountId(query.account_id),
        states: query.state === undefined ? PURCHASE_STATES : [query.state],
        window: { before, limit: limit + 1 },
      })
      const rows = purchases.map(showPurchase)
      return toPage('purchases', { rows, limit, render: (row) => row })
    },
  )
  app.get(
    '/purchases/:id',
    {
      schema: reading(
        { operationId: 'getPurchase', summary: 'A purchase with its lines and its invoice', tag },
        { params: IdParams, answer: PurchaseShape },
      ),
    },
    async ({ params }) =>
      showPurchase(await readPurchase(db, { accountId: null, id: readId(params.id) })),
  )
  registerPurchaseWrites(app, deps)
}

function registerPurchaseWrites(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.post(
    '/purchases/:id/cancel',
    {
      schema: writing(
        { operationId: 'cancelPurchase', summary: 'Void a purchase that awaits payment', tag },
        { params: IdParams, body: NoBody, answers: { 200: PurchaseShape } },
      ),
    },
    async (request, reply) => {
      const id = readId(request.params.id)
      const input = { purchaseId: id }
      await write(deps, { request, reply, operation: cancelPurchase, input })
      return showPurchase(await readPurchase(db, { accountId: null, id }))
    },
  )
  app.post(
    '/purchases/:id/pay',
    {
      schema: writing(
        {
          operationId: 'payPurchase',
          summary: "Pay a purchase from its customer's wallet; 202 while it is not known",
          tag,
        },
        { params: IdParams, body: Payment, answers: { 200: PurchaseShape, 202: PurchaseShape } },
      ),
    },
    async (request, reply) => {
      const id = readId(request.params.id)
      const effect = await deps.payments.pay({
        actor: callerOf(request).actor,
        input: { purchaseIds: [id], mayUseCard: request.body.use_card ?? false },
        idempotencyKey: idempotencyKeyOf(request, undefined),
      })
      const { outcome } = effect.output[0]!
      const refusal = payRefusal(outcome)
      if (refusal !== null) throw refusal
      toldIfReplayed(reply, effect)
      const purchase = showPurchase(await readPurchase(db, { accountId: null, id }))
      return reply.code(outcome.kind === 'settling' ? 202 : 200).send(purchase)
    },
  )
}

/** The invoices of everybody. */
export function registerInvoices(app: RestRoutes, deps: AdminDeps): void {
  const { db } = deps.funnel.database
  app.get(
    '/invoices',
    {
      schema: reading(
        { operationId: 'listInvoices', summary: 'List invoices, newest first', tag },
        {
          querystring: listQuery({
            account_id: Type.Optional(Id),
            server_id: Type.Optional(Id),
            state: Type.Optional(oneOf(INVOICE_STATES)),
          }),
          answer: listOf(InvoiceShape),
        },
      ),
    },
    async ({ query }) => {
      const { limit, from: before } = readPage('invoices', query)
      const { server_id, state } = query
      const { invoices } = await listInvoices(db, {
        accountId: readAccountId(query.account_id),
        serverId: server_id === undefined ? undefined : readIdField(server_id, '/server_id'),
        state,
        window: { before, limit: limit + 1 },
      })
      const rows = invoices.map(showInvoice)
      return toPage('invoices', { rows, limit, render: (row) => row })
    },
  )
  app.get(
    '/invoices/:id',
    {
      schema: reading(
        { operationId: 'getInvoice', summary: 'An invoice, by its id or its public id', tag },
        { params: IdParams, answer: InvoiceShape },
      ),
    },
    async ({ params }) => showInvoice(await readInvoice(db, { accountId: null, name: params.id })),
  )
}

function readAccountId(text: string | undefined): bigint | null {
  return text === undefined ? null : readIdField(text, '/account_id')
}
